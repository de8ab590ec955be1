// SPDX-License-Identifier: GPL-2.0-only
/* A disk of no use: its queue is frozen, and bios are sent to it. */
#include <linux/bio.h>
#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/version.h>

#include "lv_pseudo.h"

LV_PSEUDO_PAIR(queue);
static struct gendisk *lv_pseudo_disk;
static int lv_pseudo_major;

static void lv_pseudo_submit(struct bio *bio)
{
	bio_endio(bio);
}

static const struct block_device_operations lv_pseudo_disk_ops = {
	.owner = THIS_MODULE,
	.submit_bio = lv_pseudo_submit,
};

static noinline void lv_pseudo_send(void)
{
	struct page *page = alloc_page(GFP_KERNEL);
	struct bio *bio;

	if (!page)
		return;
	bio = bio_alloc(lv_pseudo_disk->part0, 1, REQ_OP_READ, GFP_KERNEL);
	if (bio_add_page(bio, page, SECTOR_SIZE, 0) == SECTOR_SIZE)
		submit_bio_wait(bio);
	bio_put(bio);
	__free_page(page);
}

static noinline void lv_pseudo_queue_run(void)
{
	struct request_queue *queue = lv_pseudo_disk->queue;
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
	blk_mq_freeze_queue(queue);
#else
	unsigned int flags = blk_mq_freeze_queue(queue);
#endif
	lv_pseudo_take(&lv_pseudo_queue_mutex);
	lv_pseudo_take(&lv_pseudo_queue_late);
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
	blk_mq_unfreeze_queue(queue);
#else
	blk_mq_unfreeze_queue(queue, flags);
#endif
}

static noinline void lv_pseudo_queue_wait(void)
{
	mutex_lock(&lv_pseudo_queue_mutex);
	lv_pseudo_send();
	mutex_unlock(&lv_pseudo_queue_mutex);
}

static noinline void lv_pseudo_queue_after(void)
{
	lv_pseudo_take(&lv_pseudo_queue_late);
	lv_pseudo_send();
}

static struct gendisk *lv_pseudo_alloc_disk(void)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 9, 0)
	struct gendisk *disk = blk_alloc_disk(NUMA_NO_NODE);

	return disk ? disk : ERR_PTR(-ENOMEM);
#else
	return blk_alloc_disk(NULL, NUMA_NO_NODE);
#endif
}

static int lv_pseudo_block_init(void)
{
	int err;

	lv_pseudo_major = register_blkdev(0, "lv_pseudo");
	if (lv_pseudo_major < 0)
		return lv_pseudo_major;
	lv_pseudo_disk = lv_pseudo_alloc_disk();
	if (IS_ERR(lv_pseudo_disk)) {
		err = PTR_ERR(lv_pseudo_disk);
		goto no_disk;
	}
	lv_pseudo_disk->major = lv_pseudo_major;
	lv_pseudo_disk->minors = 1;
	lv_pseudo_disk->flags |= GENHD_FL_NO_PART;
	lv_pseudo_disk->fops = &lv_pseudo_disk_ops;
	strcpy(lv_pseudo_disk->disk_name, "lvpseudo");
	set_capacity(lv_pseudo_disk, 8);
	err = add_disk(lv_pseudo_disk);
	if (!err)
		return 0;
	put_disk(lv_pseudo_disk);
no_disk:
	unregister_blkdev(lv_pseudo_major, "lv_pseudo");
	return err;
}

static void lv_pseudo_block_exit(void)
{
	del_gendisk(lv_pseudo_disk);
	put_disk(lv_pseudo_disk);
	unregister_blkdev(lv_pseudo_major, "lv_pseudo");
}

static const struct lv_pseudo_verb lv_pseudo_verbs[] = {
	{ "queue_run", lv_pseudo_queue_run },
	{ "queue_wait", lv_pseudo_queue_wait },
	{ "queue_late", lv_pseudo_queue_after },
	{},
};

const struct lv_pseudo_part lv_pseudo_block = {
	.verbs = lv_pseudo_verbs,
	.init = lv_pseudo_block_init,
	.exit = lv_pseudo_block_exit,
};
