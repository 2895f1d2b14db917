/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links from a new group to an older one: a successor after a ReInit (RFC 9420 section 11.2), or a
 * branch (11.3). Both ends check the same, the creator before its first commit, a joiner by the
 * group info; the link itself is a resumption PSK of the older group.
 */
#include "mls/link.h"

#include "mls/external.h"

static enum sotto_err check_reinit(const struct link *link, const struct epoch *epoch)
{
	struct mls_reinit reinit;

	if (mls_group_reinit(link->origin, &reinit) != SOTTO_OK ||
	    link->epoch != link->origin->epoch->number)
		return SOTTO_ERR_INVALID;
	if (reinit.version != MLS_VERSION || reinit.suite != epoch->suite->id ||
	    !bytes_equal(reinit.group_id, epoch->group_id) ||
	    !bytes_equal(reinit.extensions, writer_bytes(&epoch->extensions)))
		return SOTTO_ERR_INVALID;
	return SOTTO_OK;
}

enum sotto_err link_check(const struct link *link, const struct epoch *epoch)
{
	switch (link->kind) {
	case MLS_LINK_REINIT:
		return check_reinit(link, epoch);
	case MLS_LINK_BRANCH:
		return link->origin->suite == epoch->suite ? SOTTO_OK : SOTTO_ERR_INVALID;
	case MLS_LINK_NONE:
		break;
	}
	return SOTTO_ERR_ARGUMENT;
}

/* Most clients keep their signature key; the others are looked for one by one. */
static bool tree_has_client(const struct mls_config *config, const struct tree *tree,
			    const struct leaf_view *leaf)
{
	uint32_t node = tree_find_signature_key(tree, leaf->signature_key);

	if (node != TREE_NODE_NONE &&
	    client_same(config, &tree_leaf(tree, leaf_of_node(node))->view.credential,
			&leaf->credential))
		return true;
	for (uint32_t i = 0; i < tree->width; i++) {
		const struct leaf_node *other = tree_leaf(tree, i);

		if (other != NULL &&
		    client_same(config, &other->view.credential, &leaf->credential))
			return true;
	}
	return false;
}

static bool tree_covers(const struct mls_config *config, const struct tree *all,
			const struct tree *some)
{
	for (uint32_t i = 0; i < some->width; i++) {
		const struct leaf_node *leaf = tree_leaf(some, i);

		if (leaf != NULL && !tree_has_client(config, all, &leaf->view))
			return false;
	}
	return true;
}

enum sotto_err link_check_members(const struct link *link, const struct epoch *epoch)
{
	const struct epoch *before = group_find_epoch(link->origin, link->epoch);

	if (before == NULL || !tree_covers(epoch->config, &before->tree, &epoch->tree))
		return SOTTO_ERR_INVALID;
	if (link->kind == MLS_LINK_REINIT &&
	    !tree_covers(epoch->config, &epoch->tree, &before->tree))
		return SOTTO_ERR_INVALID;
	return SOTTO_OK;
}
