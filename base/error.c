/* SPDX-License-Identifier: Apache-2.0 */
/* Words for the error codes. */
#include "base/error.h"

const char *sotto_err_text(enum sotto_err err)
{
	switch (err) {
	case SOTTO_OK:
		return "done";
	case SOTTO_ERR_ARGUMENT:
		return "bad argument";
	case SOTTO_ERR_NO_MEMORY:
		return "out of memory";
	case SOTTO_ERR_RANDOM:
		return "the random source failed";
	case SOTTO_ERR_SPACE:
		return "buffer too small";
	case SOTTO_ERR_FORMAT:
		return "malformed";
	case SOTTO_ERR_VERSION:
		return "unknown version";
	case SOTTO_ERR_UNSUPPORTED:
		return "not supported";
	case SOTTO_ERR_LIMIT:
		return "over a limit";
	case SOTTO_ERR_VERIFY:
		return "does not verify";
	case SOTTO_ERR_INVALID:
		return "breaks a rule of the protocol";
	case SOTTO_ERR_STATE:
		return "not possible now";
	case SOTTO_ERR_NOT_FOUND:
		return "not found";
	case SOTTO_ERR_EXISTS:
		return "exists already";
	case SOTTO_ERR_REPLAY:
		return "seen before";
	case SOTTO_ERR_TOO_OLD:
		return "too old";
	case SOTTO_ERR_DENIED:
		return "not permitted";
	case SOTTO_ERR_IO:
		return "input or output failed";
	case SOTTO_ERR_DISK_FULL:
		return "disk full";
	case SOTTO_ERR_CORRUPT:
		return "stored data is damaged";
	case SOTTO_ERR_AGAIN:
		return "not yet";
	case SOTTO_ERR_CLOSED:
		return "closed";
	}
	return "unknown error";
}
