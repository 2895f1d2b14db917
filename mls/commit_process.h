/* SPDX-License-Identifier: Apache-2.0 */
/* Between receive.c, which opens messages, and commit_process.c, which follows commits. */
#ifndef MLS_COMMIT_PROCESS_H
#define MLS_COMMIT_PROCESS_H

#include "mls/group.h"

/* A message whose signature has been verified: made by receive.c only. */
struct opened {
	struct framed framed; /* borrows from the message, or from plaintext */
	uint8_t *plaintext;
	size_t plaintext_len;
	bool is_private;
	struct private_origin origin;
};

/* Follows a commit (12.4.2): fills staged, with the next epoch unless the commit removes us. */
MUST_USE enum sotto_err commit_stage(const struct mls_group *group, const struct opened *opened,
				     struct mls_staged *staged);

#endif
