// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files. SQLite never opens one here: it works on an image in memory, which is
 * written and read through one descriptor of ours. So there is no second look
 * at a name that may mean another file by then, no journal beside the file,
 * and a full disk is an errno of write().
 */
#include "capture/db.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "capture/db_internal.h"

CLEANUP_DEFINE(db, sqlite3 *, sqlite3_close)
CLEANUP_DEFINE(image, unsigned char *, sqlite3_free)

/* Enough of the path to know the file, and room for words behind it. */
static const char *label(const char *path)
{
	size_t len = strlen(path);

	return len > 100 ? path + len - 100 : path;
}

static int memory_open(sqlite3 **ret, struct error *err)
{
	if (sqlite3_open_v2(":memory:", ret, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ==
	    SQLITE_OK)
		return 0;
	sqlite3_close(*ret);
	*ret = NULL;
	return error_set(err, -ENOMEM, "out of memory");
}

/* --- saving ------------------------------------------------------------ */

static int image_make(const struct capture *c, unsigned char **ret, size_t *ret_len,
		      struct error *err)
{
	CLEANUP(cleanup_db) sqlite3 *db = NULL;
	sqlite3_int64 len;
	int code = memory_open(&db, err);

	if (code)
		return code;
	/* Nothing to roll back to: what fails is thrown away whole. */
	if (sqlite3_exec(db, "PRAGMA encoding = 'UTF-8'; PRAGMA page_size = 4096; "
			 "PRAGMA auto_vacuum = NONE; PRAGMA journal_mode = OFF; "
			 "PRAGMA foreign_keys = OFF; BEGIN", NULL, NULL, NULL) != SQLITE_OK)
		return db_error(err, db, "not saved");
	code = db_create(db, err);
	if (!code)
		code = db_write(db, c, err);
	if (code)
		return code;
	if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		return db_error(err, db, "not saved");
	*ret = sqlite3_serialize(db, "main", &len, 0);
	if (!*ret)
		return error_set(err, -ENOMEM, "out of memory");
	*ret_len = len;
	return 0;
}

static int write_all(int fd, const unsigned char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		len -= n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* A new file of a name nobody can guess or have waiting for us. */
static int temp_create(int dir, char *name, size_t room)
{
	for (int tries = 0; tries < 8; tries++) {
		uint64_t random;
		int fd;

		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			return -errno;
		snprintf(name, room, ".lockvane-%016llx", (unsigned long long)random);
		fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0)
			return fd;
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

/* Only a regular file is replaced: "-o /dev/null" must not cost the host its /dev/null. */
static int check_target(int dir, const char *base, struct error *err)
{
	struct stat st;

	if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_set_errno(err, -errno, "not saved");
	if (S_ISREG(st.st_mode))
		return 0;
	if (S_ISDIR(st.st_mode))
		return error_set(err, -EISDIR, "is a folder: name a file in it");
	if (S_ISLNK(st.st_mode))
		return error_set(err, -ELOOP, "is a symbolic link: name the file itself");
	return error_set(err, -EINVAL, "exists and is not a regular file: choose another name");
}

static int image_publish(int dir, const char *base, const unsigned char *image, size_t len,
			 struct error *err)
{
	AUTO_CLOSE int fd = -1;
	char temp[64];
	int code = check_target(dir, base, err);

	if (code)
		return code;
	fd = temp_create(dir, temp, sizeof(temp));
	if (fd < 0)
		return error_set_errno(err, fd, "not saved, its folder takes no new file");
	code = write_all(fd, image, len);
	if (!code && renameat(dir, temp, dir, base) < 0)
		code = -errno;
	if (code) {
		unlinkat(dir, temp, 0);
		return error_set_errno(err, code, "not saved, %zu bytes are needed", len);
	}
	fsync(dir); /* the name may be lost in a crash, never half the file */
	return 0;
}

/* Open the folder path is in. */
static int parent_open(const char *path, const char **ret_base, struct error *err)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX] = ".";
	int fd;

	*ret_base = slash ? slash + 1 : path;
	if (!**ret_base)
		return error_set(err, -EISDIR, "is not the name of a file");
	if (slash) {
		size_t len = slash == path ? 1 : slash - path;

		if (len >= sizeof(dir))
			return error_set_errno(err, -ENAMETOOLONG, "not saved");
		memcpy(dir, path, len);
		dir[len] = '\0';
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_set_errno(err, -errno, "not saved, its folder cannot be opened") : fd;
}

static int save(const struct capture *c, const char *path, struct error *err)
{
	CLEANUP(cleanup_image) unsigned char *image = NULL;
	AUTO_CLOSE int dir = -1;
	const char *base;
	size_t len = 0;
	int code = db_check(c, err);

	if (code)
		return code;
	dir = parent_open(path, &base, err);
	if (dir < 0)
		return dir;
	code = image_make(c, &image, &len, err);
	return code ? code : image_publish(dir, base, image, len, err);
}

int capture_db_save(const struct capture *c, const char *path, struct error *err)
{
	int code = save(c, path, err);

	if (code)
		error_prefix(err, "%s", label(path));
	return code;
}

/* --- loading ----------------------------------------------------------- */

/* Where the file format has them: sqlite.org/fileformat2.html, "The Database Header". */
#define HEADER_SIZE 100
#define HEADER_PAGE_SIZE 16
#define HEADER_WRITE_VERSION 18 /* and the read version after it; 2: write-ahead log */
#define HEADER_CHANGES 24
#define HEADER_PAGES 28 /* valid while HEADER_PAGES_FOR equals HEADER_CHANGES */
#define HEADER_USER_VERSION 60
#define HEADER_APPLICATION_ID 68
#define HEADER_PAGES_FOR 92

static const char magic[16] = "SQLite format 3";

static uint32_t header_u32(const unsigned char *image, size_t at)
{
	uint32_t value;

	memcpy(&value, image + at, sizeof(value));
	return be32toh(value);
}

static int open_words(int code, struct error *err)
{
	switch (code) {
	case -ENOENT:
		return error_set(err, code, "no such file: name one that lockvane trace -o wrote");
	case -EACCES:
	case -EPERM:
		return error_set(err, code, "not yours to read: a capture is its owner's alone, "
				 "run as that user or as root");
	default:
		return error_set_errno(err, code, "cannot be opened");
	}
}

static int check_kind(const struct stat *st, struct error *err)
{
	if (S_ISDIR(st->st_mode))
		return error_set(err, -EISDIR, "is a folder: name a capture in it");
	if (!S_ISREG(st->st_mode))
		return error_set(err, -EINVAL, "not a regular file: name one that lockvane "
				 "trace -o wrote");
	if (!st->st_size)
		return error_set(err, -EINVAL, "not a lockvane capture (it is empty): record one "
				 "with lockvane trace -o");
	if ((uint64_t)st->st_size > DB_MAX_FILE)
		return error_set(err, -EFBIG, "not a lockvane capture (larger than %lu MiB)",
				 DB_MAX_FILE >> 20);
	return 0;
}

static int image_fill(int fd, unsigned char *image, size_t room, size_t *ret_len,
		      struct error *err)
{
	size_t len = 0;

	while (len < room) {
		ssize_t n = read(fd, image + len, room - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, -errno, "cannot be read");
		if (!n)
			break;
		len += n;
	}
	*ret_len = len;
	return 0;
}

static int image_load(const char *path, unsigned char **ret, size_t *ret_len, struct error *err)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	CLEANUP(cleanup_image) unsigned char *image = NULL;
	struct stat st;
	int code;

	if (fd < 0)
		return open_words(-errno, err);
	if (fstat(fd, &st) < 0)
		return error_set_errno(err, -errno, "cannot be read");
	code = check_kind(&st, err);
	if (code)
		return code;
	image = sqlite3_malloc64(st.st_size);
	if (!image)
		return error_set(err, -ENOMEM, "out of memory");
	code = image_fill(fd, image, st.st_size, ret_len, err);
	if (!code)
		*ret = TAKE_PTR(image);
	return code;
}

static bool is_text(const unsigned char *image, size_t len)
{
	for (size_t i = 0; i < len && i < 64; i++)
		if (image[i] < 0x20 && !strchr("\t\n\r", image[i]))
			return false;
	return true;
}

static int check_size(const unsigned char *image, size_t len, struct error *err)
{
	uint64_t page = image[HEADER_PAGE_SIZE] << 8 | image[HEADER_PAGE_SIZE + 1];
	uint64_t whole;

	if (page == 1)
		page = 65536;
	if (header_u32(image, HEADER_CHANGES) != header_u32(image, HEADER_PAGES_FOR))
		return 0;
	whole = page * header_u32(image, HEADER_PAGES);
	if (len >= whole)
		return 0;
	return error_set(err, -EINVAL, "cut short, %zu of %llu bytes: copy it again or record anew",
			 len, (unsigned long long)whole);
}

static int check_header(const unsigned char *image, size_t len, struct error *err)
{
	uint32_t version;

	if (memcmp(image, magic, len < sizeof(magic) ? len : sizeof(magic)) != 0)
		return error_set(err, -EINVAL, "not a lockvane capture%s: name a file that "
				 "lockvane trace -o wrote", is_text(image, len) ?
				 " (a text file?)" : "");
	if (len < HEADER_SIZE)
		return error_set(err, -EINVAL, "cut short, %zu bytes are left: copy it again or "
				 "record anew", len);
	if (header_u32(image, HEADER_APPLICATION_ID) != DB_APPLICATION_ID)
		return error_set(err, -EINVAL, "not a lockvane capture (an SQLite database of "
				 "something else): name a file that lockvane trace -o wrote");
	version = header_u32(image, HEADER_USER_VERSION);
	if (version > DB_VERSION)
		return error_set(err, -EINVAL, "written by a newer lockvane (format %u, this one "
				 "reads %d): use that one", version, DB_VERSION);
	if (version < DB_OLDEST)
		return error_set(err, -EINVAL, "written by an older lockvane (format %u, this one "
				 "reads %d and later): use that one, or record anew",
				 version, DB_OLDEST);
	return check_size(image, len, err);
}

/*
 * A file that a program keeps beside it while it has it open in SQLite, or left when it died there,
 * belongs to the capture: without it the image may be half an update.
 */
static int check_beside(const char *path, const char *suffix, struct error *err)
{
	char beside[PATH_MAX];
	struct stat st;

	if (snprintf(beside, sizeof(beside), "%s%s", path, suffix) >= (int)sizeof(beside) ||
	    stat(beside, &st) < 0 || !st.st_size)
		return 0;
	return error_set(err, -EBUSY, "being written (there is a %s beside it): end that program, "
			 "or copy it out with sqlite3 FILE 'VACUUM INTO COPY'", suffix);
}

static int check_progress(void *data)
{
	uint32_t *left = data;

	return !*left || !--*left;
}

/* The advice of sqlite.org/security.html for untrusted files, and the least it can do with. */
static void restrain(sqlite3 *db, uint32_t *steps)
{
	static const int limits[][2] = {
		{ SQLITE_LIMIT_LENGTH, 64 << 10 }, { SQLITE_LIMIT_SQL_LENGTH, 64 << 10 },
		{ SQLITE_LIMIT_COLUMN, 64 },	   { SQLITE_LIMIT_EXPR_DEPTH, 64 },
		{ SQLITE_LIMIT_COMPOUND_SELECT, 2 }, { SQLITE_LIMIT_VDBE_OP, 10000 },
		{ SQLITE_LIMIT_FUNCTION_ARG, 8 },  { SQLITE_LIMIT_ATTACHED, 0 },
		{ SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 64 }, { SQLITE_LIMIT_VARIABLE_NUMBER, 16 },
		{ SQLITE_LIMIT_TRIGGER_DEPTH, 1 }, { SQLITE_LIMIT_WORKER_THREADS, 0 },
	};
	static const int config[][2] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },      { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 }, { SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
		{ SQLITE_DBCONFIG_DQS_DDL, 0 },	       { SQLITE_DBCONFIG_DQS_DML, 0 },
		{ SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		sqlite3_limit(db, limits[i][0], limits[i][1]);
	for (size_t i = 0; i < sizeof(config) / sizeof(config[0]); i++)
		sqlite3_db_config(db, config[i][0], config[i][1], NULL);
	sqlite3_progress_handler(db, 1000, check_progress, steps);
	sqlite3_exec(db, "PRAGMA cell_size_check = ON; PRAGMA query_only = ON", NULL, NULL, NULL);
}

static int image_read(unsigned char *image, size_t len, struct capture **ret, struct error *err)
{
	CLEANUP(cleanup_db) sqlite3 *db = NULL;
	uint32_t steps = 1000000; /* thousands: ten times what the largest capture takes */
	int code = memory_open(&db, err);

	if (code) {
		sqlite3_free(image);
		return code;
	}
	/* Takes the image, whatever comes of it. */
	if (sqlite3_deserialize(db, "main", image, len, len, SQLITE_DESERIALIZE_FREEONCLOSE |
				SQLITE_DESERIALIZE_READONLY) != SQLITE_OK)
		return db_error(err, db, "cannot be read");
	restrain(db, &steps);
	code = db_verify(db, err);
	return code ? code : db_read(db, ret, err);
}

static int load(const char *path, struct capture **ret, struct error *err)
{
	CLEANUP(cleanup_image) unsigned char *image = NULL;
	size_t len = 0;
	int code = image_load(path, &image, &len, err);

	if (!code)
		code = check_header(image, len, err);
	if (!code)
		code = check_beside(path, "-journal", err);
	if (!code && image[HEADER_WRITE_VERSION] == 2)
		code = check_beside(path, "-wal", err);
	if (code)
		return code;
	/* An image has no log beside it: with all of it in the file, it reads like any other. */
	memset(image + HEADER_WRITE_VERSION, 1, 2);
	return image_read(TAKE_PTR(image), len, ret, err);
}

int capture_db_load(const char *path, struct capture **ret, struct error *err)
{
	int code = load(path, ret, err);

	if (code)
		error_prefix(err, "%s", label(path));
	return code;
}
