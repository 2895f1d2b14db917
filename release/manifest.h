/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a release consists of: a text that tools/release.py makes and that is installed with the rest. Its SHA-256 is what an
 * entry of the ledger names.
 *
 *	sotto-release 1 VERSION ARCHITECTURE
 *	SHA256 MODE PATH           one line a file; MODE: 0644, 0755, or link, whose hash is that of where it leads
 *
 * Lines end with \n, words are apart by one space, hashes are in lower case; paths are relative to the prefix, in printable ASCII,
 * and in ascending order of their bytes. Whatever is otherwise is refused: for each set of files there is one manifest.
 */
#ifndef RELEASE_MANIFEST_H
#define RELEASE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

#define RELEASE_HASH_LEN 32
#define RELEASE_PATH_MAX 100 /* the name field of a tar's header */
#define RELEASE_WORD_MAX 32  /* version, architecture */

/* Some forty today. */
#define RELEASE_FILES_MAX 256

/* As many lines as may be. */
#define RELEASE_MANIFEST_MAX (128 + RELEASE_FILES_MAX * (64 + 1 + 4 + 1 + RELEASE_PATH_MAX + 1))

/* Where it is installed, and the one file that it does not name. */
#define RELEASE_MANIFEST_PATH "share/sotto/manifest"

enum release_mode {
	RELEASE_PLAIN = 1, /* 0644 */
	RELEASE_PROGRAM,   /* 0755 */
	RELEASE_LINK,	   /* to a name in the same folder */
};

struct release_file {
	struct bytes path;
	enum release_mode mode;
	uint8_t hash[RELEASE_HASH_LEN];
};

/* Borrows from the text that was read. */
struct release_manifest {
	uint8_t hash[RELEASE_HASH_LEN]; /* of the whole text */
	struct bytes version;
	struct bytes architecture;
	struct bytes lines; /* of the files: for release_manifest_next */
	size_t count;
};

/* The whole text is as above, or: SOTTO_ERR_FORMAT; _VERSION: a manifest of a later format; _LIMIT: too long. */
MUST_USE enum sotto_err release_manifest_read(struct bytes text, struct release_manifest *manifest);

/* The next file; false: there is none. left: at first the lines of a manifest that was read. */
bool release_manifest_next(struct bytes *left, struct release_file *file);

/* Relative, printable, without "." and "..". */
bool release_path_valid(struct bytes path);

/* Where a link may lead: to a name beside it. */
bool release_target_valid(struct bytes target);

#endif
