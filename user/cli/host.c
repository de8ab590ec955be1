// SPDX-License-Identifier: GPL-2.0-only
#include "cli/host.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/file.h"
#include "cli/cli.h"
#include "kernel/debugfiles.h"
#include "kernel/ksyms.h"

int host_look(uint32_t locks, bool accept_hazard, struct host *ret, struct error *err)
{
	struct ksyms *ksyms = NULL;
	int code = kbtf_load(NULL, &ret->btf);

	if (code && code != -ENOENT)
		return error_set_errno(err, code, "cannot read the kernel's BTF");
	ksyms_load(NULL, &ksyms); /* without it features says why */
	features_probe(NULL, ret->btf, ksyms, &ret->features);
	code = cli_may_trace(&ret->features, err);
	if (!code && ret->features.rcu == FEATURES_RCU_HAZARD && !accept_hazard)
		code = error_set(err, -EPERM,
				 "tracing can hang this kernel (rcu_read_unlock in irq exit, see "
				 "`lockvane check`): update it, or pass --accept-hazard");
	code = code ? code : plan_make(ret->btf, ksyms, &ret->features, locks, &ret->plan, err);
	ksyms_free(ksyms);
	return code;
}

void host_done(struct host *h)
{
	kbtf_free(h->btf);
	h->btf = NULL;
}

/* As the kernel prints it: a letter for each bit of /proc/sys/kernel/tainted. */
static char *taint_text(void)
{
	static const char letters[] = "PFSRMBUDAWCIOELKXTNJ"; /* kernel/panic.c, taint_flags */
	char text[64] = "Not tainted", *end = text;
	int64_t bits = 0;

	if (file_number(NULL, "/proc/sys/kernel/tainted", &bits))
		return NULL;
	if (bits)
		end += sprintf(end, bits & 1 ? "Tainted: " : "Tainted: G"); /* no proprietary module */
	for (size_t i = 0; letters[i]; i++)
		if (bits & (1ll << i))
			*end++ = letters[i];
	if (bits)
		*end = '\0';
	return strdup(text);
}

/* An image without a build id is left out. */
static int describe_image(struct capture *c, const char *module)
{
	struct capture_image *image;
	char id[BUILD_ID_LEN];

	if (c->nr_images >= CAPTURE_MAX_IMAGES || debugfiles_build_id(NULL, module, id))
		return 0;
	image = capture_add_image(c);
	if (!image)
		return -ENOMEM;
	image->module = module ? strdup(module) : NULL;
	image->build_id = strdup(id);
	return image->build_id && (image->module || !module) ? 0 : -ENOMEM;
}

int host_describe_modules(struct capture *c)
{
	DIR *modules = opendir("/sys/module");
	const struct dirent *entry;
	int code = 0;

	while (modules && !code && (entry = readdir(modules)))
		if (entry->d_name[0] != '.')
			code = describe_image(c, entry->d_name);
	if (modules)
		closedir(modules);
	return code;
}

/* The name by which people know it, or NULL. */
static char *host_name(void)
{
	struct utsname name;

	return uname(&name) || !name.nodename[0] ? NULL : strdup(name.nodename);
}

int host_describe(const struct host *h, struct capture *c)
{
	c->version = strdup(LOCKVANE_VERSION);
	c->kernel = strdup(h->features.release);
	c->build = strdup(h->features.version);
	c->machine = strdup(h->features.machine);
	c->host = host_name();
	c->tainted = taint_text();
	c->rt = h->features.rt == FEATURES_YES;
	c->unlocks_hidden = h->plan.unlocks_hidden;
	c->preempts = h->features.preempts;
	c->misses_asked = true;
	c->irqs_unseen = h->plan.irq_source == LV_IRQ_SOURCE_NONE;
	return c->version && c->kernel && c->build && c->machine ? describe_image(c, NULL)
								 : -ENOMEM;
}
