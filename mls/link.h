/* SPDX-License-Identifier: Apache-2.0 */
/* What ties a new group to an older one (RFC 9420 sections 11.2, 11.3). */
#ifndef MLS_LINK_H
#define MLS_LINK_H

#include "mls/group.h"

/* The resumption PSK that ties a group to its origin. */
struct link {
	enum mls_link kind;
	const struct mls_group *origin;
	uint64_t epoch; /* of the origin */
};

/*
 * Does a group in this epoch, without regard to its members, follow its origin as the link says?
 * Epoch 0 when its creator makes the link, 1 when others join. SOTTO_ERR_INVALID: it does not.
 */
MUST_USE enum sotto_err link_check(const struct link *link, const struct epoch *epoch);

/*
 * The members: all and only the origin's, or some of them. Two leaves are the same client by
 * config.clients.
 */
MUST_USE enum sotto_err link_check_members(const struct link *link, const struct epoch *epoch);

#endif
