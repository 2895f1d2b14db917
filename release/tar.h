/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tar of a release, as tools/release.py writes it and in no other way: ustar headers of plain files, programs and links, in
 * ascending order of their paths; no folders, owner and group 0, one time for all, contents padded with zeros, and two blocks of zeros
 * at the end. A header is built anew from what was read of it and compared, so there is nothing in it that is not looked at.
 */
#ifndef RELEASE_TAR_H
#define RELEASE_TAR_H

#include "release/manifest.h"

/* Some 3 MiB today. */
#define RELEASE_TAR_MAX (64 * 1024 * 1024)

/* Borrows from the tar. */
struct release_entry {
	struct bytes path;
	enum release_mode mode;
	struct bytes contents; /* of a link: where it leads */
};

struct release_tar {
	struct bytes left;
	struct bytes before; /* the path of the entry before */
	uint64_t time_s;     /* of all; set by the first */
	size_t count;
};

void release_tar_init(struct release_tar *tar, struct bytes input);

/* The next one. SOTTO_ERR_NOT_FOUND: that was the last, and nothing follows; _FORMAT; _LIMIT: more than a release has. */
MUST_USE enum sotto_err release_tar_next(struct release_tar *tar, struct release_entry *entry);

#endif
