/* SPDX-License-Identifier: Apache-2.0 */
/* Is a release what its manifest says? Of a tar each file, of a manifest alone only that it is one. */
#ifndef RELEASE_VERIFY_H
#define RELEASE_VERIFY_H

#include "release/manifest.h"
#include "release/tar.h"

enum release_fault {
	RELEASE_GOOD = 0,
	RELEASE_NOT_ONE,     /* neither a manifest nor a tar of a release */
	RELEASE_LATER,	     /* a manifest of a format that this version does not know */
	RELEASE_NO_MANIFEST, /* a tar without one */
	RELEASE_MISSING,     /* the manifest names what is not there */
	RELEASE_TOO_MUCH,    /* there is what the manifest does not name */
	RELEASE_OTHER_MODE,
	RELEASE_OTHER_BYTES,
};

/* Borrows from the input. */
struct release_verdict {
	enum release_fault fault;
	struct bytes path;		  /* of the first file that is not as it should be */
	struct release_manifest manifest; /* set with RELEASE_GOOD */
	bool files;			  /* they were there, and compared */
};

void release_verify(struct bytes input, struct release_verdict *verdict);

#endif
