/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock by its raw system calls (landlock(7)), with what the running kernel has rather than what
 * the headers of the building machine know: each right is asked for from the ABI on that brought
 * it.
 */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.h"
#include "os/error.h"
#include "os/process.h"
#include "os/profiles.h"

/* linux/landlock.h, spelled out because that of Debian 12 ends at ABI 2. */
#define LANDLOCK_VERSION	1u
#define LANDLOCK_PATH_BENEATH	1
#define LANDLOCK_FS_EXECUTE	(UINT64_C(1) << 0)
#define LANDLOCK_FS_WRITE_FILE	(UINT64_C(1) << 1)
#define LANDLOCK_FS_READ_FILE	(UINT64_C(1) << 2)
#define LANDLOCK_FS_READ_DIR	(UINT64_C(1) << 3)
#define LANDLOCK_FS_REMOVE_FILE (UINT64_C(1) << 5)
#define LANDLOCK_FS_MAKE_REG	(UINT64_C(1) << 8)
#define LANDLOCK_FS_ABI1	((UINT64_C(1) << 13) - 1)
#define LANDLOCK_FS_REFER	(UINT64_C(1) << 13)
#define LANDLOCK_FS_TRUNCATE	(UINT64_C(1) << 14)
#define LANDLOCK_FS_IOCTL_DEV	(UINT64_C(1) << 15)
#define LANDLOCK_NET_TCP	UINT64_C(3)
#define LANDLOCK_SCOPE_ABSTRACT UINT64_C(1)
#define LANDLOCK_SCOPE_SIGNAL	UINT64_C(2)

#define LANDLOCK_READ_FILES	(LANDLOCK_FS_READ_FILE | LANDLOCK_FS_READ_DIR)

/* What a process does to files in its own directory. */
#define LANDLOCK_USE_FILES \
	(LANDLOCK_FS_WRITE_FILE | LANDLOCK_FS_READ_FILE | LANDLOCK_FS_READ_DIR | \
	 LANDLOCK_FS_REMOVE_FILE | LANDLOCK_FS_MAKE_REG | LANDLOCK_FS_TRUNCATE)

struct landlock_ruleset {
	uint64_t handled_fs;
	uint64_t handled_net; /* ABI 4 */
	uint64_t scoped;      /* ABI 6 */
};

struct landlock_beneath {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

unsigned landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_VERSION);

	return abi > 0 ? (unsigned)abi : 0;
}

static struct landlock_ruleset landlock_rights(const struct profile *profile, unsigned abi)
{
	struct landlock_ruleset rights = {.handled_fs = LANDLOCK_FS_ABI1};

	if (abi >= 2)
		rights.handled_fs |= LANDLOCK_FS_REFER;
	if (abi >= 3)
		rights.handled_fs |= LANDLOCK_FS_TRUNCATE;
	if (abi >= 4)
		rights.handled_net = LANDLOCK_NET_TCP;
	if (abi >= 5)
		rights.handled_fs |= LANDLOCK_FS_IOCTL_DEV;
	if (abi >= 6)
		rights.scoped = LANDLOCK_SCOPE_ABSTRACT | LANDLOCK_SCOPE_SIGNAL;
	if (profile->files == FILES_PROGRAMS) {
		/* Children have other needs of files, and a sound server or its bus may be on an
		 * abstract socket. */
		rights.handled_fs = LANDLOCK_FS_EXECUTE;
		rights.scoped &= ~LANDLOCK_SCOPE_ABSTRACT;
	}
	return rights;
}

/* Of what is handled, these are allowed beneath (or for) path. */
static enum sotto_err landlock_allow(int ruleset, const char *path, uint64_t rights)
{
	struct landlock_beneath beneath = {.allowed = rights,
					   .parent = open(path, O_PATH | O_CLOEXEC)};
	enum sotto_err err = SOTTO_OK;

	if (beneath.parent < 0)
		return os_err_from_errno(errno);
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_PATH_BENEATH, &beneath, 0) != 0)
		err = SOTTO_ERR_IO;
	close(beneath.parent);
	return err;
}

static int landlock_find_interpreter(struct dl_phdr_info *info, size_t size, void *context)
{
	const char **path = context;

	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type == PT_INTERP)
			*path = (const char *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
	}
	return 1; /* the first is the program itself */
}

/* Our own programs, file by file (bin has others), and the dynamic linker, which the kernel
 * executes for each. */
static enum sotto_err landlock_allow_programs(int ruleset, const char *path)
{
	char found[OS_PROCESS_PATH_LEN];
	const char *interpreter = NULL;
	enum sotto_err err;

	(void)dl_iterate_phdr(landlock_find_interpreter, &interpreter);
	if (interpreter != NULL)
		TRY(landlock_allow(ruleset, interpreter, LANDLOCK_FS_EXECUTE));
	if (path != NULL)
		return landlock_allow(ruleset, path, LANDLOCK_FS_EXECUTE);
	TRY(landlock_allow(ruleset, "/proc/self/exe", LANDLOCK_FS_EXECUTE));
	for (size_t i = 0; os_process_names[i] != NULL; i++) {
		/* A text-only phone has fewer, a relay one. */
		if (os_process_find(os_process_names[i], found) == SOTTO_OK)
			TRY(landlock_allow(ruleset, found, LANDLOCK_FS_EXECUTE));
	}
	err = SOTTO_OK;
out:
	return err;
}

/* Each directory that is there. */
static enum sotto_err landlock_allow_reading(int ruleset, const char *const *paths)
{
	enum sotto_err err = SOTTO_OK;

	for (; paths != NULL && *paths != NULL; paths++) {
		err = landlock_allow(ruleset, *paths, LANDLOCK_READ_FILES);
		if (err != SOTTO_OK && err != SOTTO_ERR_NOT_FOUND)
			return err;
	}
	return SOTTO_OK;
}

enum sotto_err landlock_prepare(const struct profile *profile,
				const struct os_sandbox_options *options, int *out)
{
	const char *directory = options->directory;
	unsigned abi = landlock_abi();
	struct landlock_ruleset rights = landlock_rights(profile, abi);
	size_t len = abi >= 6 ? sizeof(rights) : abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
	int ruleset = -1;
	enum sotto_err err = SOTTO_OK;

	if (abi == 0)
		goto done;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &rights, len, 0);
	FAIL_IF(ruleset < 0, SOTTO_ERR_IO);
	if (profile->files == FILES_DIRECTORY)
		TRY(landlock_allow(ruleset, directory, LANDLOCK_USE_FILES & rights.handled_fs));
	else if (profile->files == FILES_PROGRAMS)
		TRY(landlock_allow_programs(ruleset, directory));
	else if (profile->files == FILES_READ)
		TRY(landlock_allow_reading(ruleset, options->readable));
	if (SANDBOX_SANITIZED && profile->files != FILES_PROGRAMS)
		TRY(landlock_allow(ruleset, "/proc", LANDLOCK_READ_FILES));
done:
	*out = ruleset;
	return SOTTO_OK;
out:
	if (ruleset >= 0)
		close(ruleset);
	return err;
}

enum sotto_err landlock_enter(int ruleset)
{
	enum sotto_err err = SOTTO_OK;

	if (ruleset < 0)
		return SOTTO_OK;
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		err = SOTTO_ERR_IO;
	close(ruleset);
	return err;
}
