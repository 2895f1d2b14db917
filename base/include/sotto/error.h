/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one error enum. Every function that can fail returns it, and every caller looks at it. Codes are
 * never OR-ed and never sent to a peer; a peer learns nothing from a failure. Codes are only appended.
 */
#ifndef SOTTO_ERROR_H
#define SOTTO_ERROR_H

#include <sotto/begin.h>

enum sotto_err {
	SOTTO_OK = 0,
	SOTTO_ERR_ARGUMENT,  /* the caller broke the function's contract in a way it may */
	SOTTO_ERR_NO_MEMORY, /* the allocator returned NULL */
	SOTTO_ERR_RANDOM,    /* the random source failed */
	SOTTO_ERR_SPACE,     /* the caller's output buffer is too small */
	SOTTO_ERR_FORMAT,    /* bytes do not parse: truncated, trailing, not minimal */
	SOTTO_ERR_VERSION,   /* a format or protocol version that this program does not know */
	SOTTO_ERR_UNSUPPORTED, /* known or unknown, but not implemented here: suite, extension, type */
	SOTTO_ERR_LIMIT,       /* a named limit would be passed */
	SOTTO_ERR_VERIFY,      /* a MAC, signature, tag or AEAD does not verify */
	SOTTO_ERR_INVALID,     /* parses and verifies, but breaks a rule of the protocol */
	SOTTO_ERR_STATE,       /* not allowed in this state */
	SOTTO_ERR_NOT_FOUND, /* no such member, drop, key, file */
	SOTTO_ERR_EXISTS,    /* is there already */
	SOTTO_ERR_REPLAY,    /* seen before: the key of this message was used and erased */
	SOTTO_ERR_TOO_OLD,   /* outside the window for which keys or records are kept */
	SOTTO_ERR_DENIED,    /* not permitted: token, role, signature set */
	SOTTO_ERR_IO,	     /* the operating system refused; errno said why where it happened */
	SOTTO_ERR_DISK_FULL, /* no room on the disk, or quota */
	SOTTO_ERR_CORRUPT,   /* what we stored is not what we read */
	SOTTO_ERR_AGAIN,     /* would block, or not yet */
	SOTTO_ERR_CLOSED,    /* the peer or process at the other end is gone */
};

/* A short lower-case phrase for logs and messages; never NULL, static storage. */
const char *sotto_err_text(enum sotto_err err);

#include <sotto/end.h>

#endif
