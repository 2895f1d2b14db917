/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ending a group for a successor (RFC 9420 sections 11.2, 12.1.5): what was agreed, and the group
 * of one that comes after. What ties the two together is in link.c.
 */
#include "mls/reinit.h"

void reinit_write(struct writer *writer, const struct mls_reinit_options *options)
{
	size_t start;

	writer_put_u16(writer, MLS_PROPOSAL_REINIT);
	writer_put_vector(writer, options->group_id);
	writer_put_u16(writer, options->version == 0 ? MLS_VERSION : options->version);
	writer_put_u16(writer, options->suite);
	start = writer_begin_vector(writer);
	extensions_write(writer, options->extensions, options->extension_count);
	writer_end_vector(writer, start);
}

enum sotto_err reinit_check(const struct mls_reinit *reinit, const struct mls_config *config)
{
	if (reinit->version < MLS_VERSION)
		return SOTTO_ERR_INVALID;
	return context_extensions_check(reinit->extensions, suite_find(reinit->suite), config);
}

enum sotto_err mls_group_reinit(const struct mls_group *group, struct mls_reinit *reinit)
{
	struct proposal_view view;
	struct reader reader;

	if (!group_ended(group))
		return SOTTO_ERR_NOT_FOUND;
	reader_init(&reader, writer_bytes(&group->epoch->reinit));
	proposal_read(&reader, &view);
	if (reader.err != SOTTO_OK || view.type != MLS_PROPOSAL_REINIT)
		return SOTTO_ERR_CORRUPT;
	*reinit = view.reinit;
	return SOTTO_OK;
}

enum sotto_err mls_group_create_successor(const struct mls_config *config,
					  const struct mls_group *origin,
					  const struct mls_leaf_options *leaf,
					  struct mls_group **group)
{
	struct mls_reinit reinit;
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(!origin->active || !group_ended(origin), SOTTO_ERR_STATE);
	TRY(mls_group_reinit(origin, &reinit));
	FAIL_IF(reinit.version != MLS_VERSION, SOTTO_ERR_VERSION);
	FAIL_IF(suite_find(reinit.suite) == NULL, SOTTO_ERR_UNSUPPORTED);
	FAIL_IF(leaf->identity->suite != reinit.suite, SOTTO_ERR_ARGUMENT);
	TRY(group_create(config, reinit.group_id, leaf, reinit.extensions, group));
out:
	return err;
}
