/* SPDX-License-Identifier: Apache-2.0 */
/* The ReInit proposal (RFC 9420 section 12.1.5). */
#ifndef MLS_REINIT_H
#define MLS_REINIT_H

#include "mls/group.h"

/* A ReInit proposal. */
void reinit_write(struct writer *writer, const struct mls_reinit_options *options);

/* 12.1.5: by itself. */
MUST_USE enum sotto_err reinit_check(const struct mls_reinit *reinit,
				     const struct mls_config *config);

#endif
