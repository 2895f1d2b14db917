/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pre-shared keys:
 *
 *    psk[i] -> Extract(0, .) -> ExpandWithLabel("derived psk", PSKLabel[i])
 *        -> Extract(., psk_secret[i]) -> psk_secret[i + 1]
 */
#include "mls/psk.h"

void psk_chain_init(struct psk_chain *chain, const struct suite *suite,
		    const struct allocator *allocator, size_t count)
{
	*chain = (struct psk_chain){
		.suite = suite,
		.allocator = allocator,
		.count = (uint16_t)count,
	};
	secret_zero(suite, &chain->secret);
}

enum sotto_err psk_chain_add(struct psk_chain *chain, struct bytes id, struct bytes psk)
{
	const struct suite *suite = chain->suite;
	struct secret zero, extracted, input;
	struct writer label;
	enum sotto_err err;

	writer_init_growing(&label, chain->allocator);
	writer_put_bytes(&label, id);
	writer_put_u16(&label, chain->index);
	writer_put_u16(&label, chain->count);
	TRY(writer_finish(&label));
	secret_zero(suite, &zero);
	hkdf_extract(suite->hpke.kdf, secret_bytes(&zero), psk, &extracted);
	suite_expand_secret(suite, &extracted, "derived psk", writer_bytes(&label), &input);
	hkdf_extract(suite->hpke.kdf, secret_bytes(&input), secret_bytes(&chain->secret),
		     &chain->secret);
	chain->index++;
	secret_wipe(&extracted);
	secret_wipe(&input);
out:
	writer_release(&label);
	return err;
}

static void id_of(const struct proposal_item *item, struct psk_id_view *id)
{
	struct reader reader;

	/* Behind the proposal's type. */
	reader_init(&reader, BYTES(item->encoded.data + 2, item->encoded.len - 2));
	psk_id_read(&reader, id);
}

static size_t count_psks(const struct proposal_list *list)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		count += list->items[i].type == MLS_PROPOSAL_PSK;
	return count;
}

enum sotto_err psk_check(const struct psk_id_view *id, const struct suite *suite,
			 enum mls_link link)
{
	if (id->nonce.len != suite_hash_len(suite))
		return SOTTO_ERR_INVALID;
	if (id->type == PSK_RESUMPTION && id->usage != PSK_USAGE_APPLICATION &&
	    (link == MLS_LINK_NONE || id->usage != (uint8_t)link))
		return SOTTO_ERR_INVALID;
	return SOTTO_OK;
}

enum sotto_err psk_check_list(const struct proposal_list *list)
{
	if (count_psks(list) > PSK_COUNT_MAX)
		return SOTTO_ERR_LIMIT;
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].type != MLS_PROPOSAL_PSK)
			continue;
		for (size_t j = 0; j < i; j++) {
			if (list->items[j].type == MLS_PROPOSAL_PSK &&
			    bytes_equal(list->items[j].encoded, list->items[i].encoded))
				return SOTTO_ERR_INVALID;
		}
	}
	return SOTTO_OK;
}

static enum sotto_err find_external(const struct mls_config *config, struct bytes id,
				    struct bytes *psk)
{
	if (config->psks == NULL)
		return SOTTO_ERR_NOT_FOUND;
	return config->psks->find(config->psks->context, id, psk);
}

/* Wiped in the epoch that removed us. */
static enum sotto_err find_resumption(const struct mls_group *group, const struct psk_id_view *id,
				      struct bytes *psk)
{
	const struct epoch *epoch;

	if (group == NULL || !bytes_equal(id->id, group_id_bytes(group)))
		return SOTTO_ERR_NOT_FOUND;
	epoch = group_find_epoch(group, id->epoch);
	if (epoch == NULL || epoch->secrets.resumption.len == 0)
		return SOTTO_ERR_NOT_FOUND;
	*psk = secret_bytes(&epoch->secrets.resumption);
	return SOTTO_OK;
}

enum sotto_err psk_find(const struct psk_finder *finder, const struct psk_id_view *id,
			struct bytes *psk)
{
	bool own = id->usage == PSK_USAGE_APPLICATION && finder->group != NULL;

	return id->type == PSK_EXTERNAL
		       ? find_external(finder->config, id->id, psk)
		       : find_resumption(own ? finder->group : finder->origin, id, psk);
}

enum sotto_err psk_secret_of_list(const struct psk_finder *finder, const struct proposal_list *list,
				  struct secret *secret)
{
	struct psk_chain chain;
	enum sotto_err err = SOTTO_OK;

	psk_chain_init(&chain, finder->suite, finder->config->allocator, count_psks(list));
	for (size_t i = 0; i < list->count; i++) {
		struct psk_id_view id;
		struct bytes psk;

		if (list->items[i].type != MLS_PROPOSAL_PSK)
			continue;
		id_of(&list->items[i], &id);
		TRY(psk_find(finder, &id, &psk));
		TRY(psk_chain_add(&chain, id.encoded, psk));
	}
	*secret = chain.secret;
out:
	secret_wipe(&chain.secret);
	return err;
}

enum sotto_err psk_check_welcome(const struct suite *suite, struct bytes psks, struct link *link,
				 bool *resumption)
{
	struct reader reader;
	enum sotto_err err = SOTTO_OK;

	*link = (struct link){.kind = MLS_LINK_NONE};
	*resumption = false;
	reader_init(&reader, psks);
	while (reader_more(&reader)) {
		struct psk_id_view id;
		enum mls_link kind = MLS_LINK_NONE;

		psk_id_read(&reader, &id);
		if (id.type == PSK_RESUMPTION && id.usage == MLS_LINK_REINIT)
			kind = MLS_LINK_REINIT;
		if (id.type == PSK_RESUMPTION && id.usage == MLS_LINK_BRANCH)
			kind = MLS_LINK_BRANCH;
		TRY(psk_check(&id, suite, kind));
		*resumption |= id.type == PSK_RESUMPTION;
		if (kind == MLS_LINK_NONE)
			continue;
		FAIL_IF(link->kind != MLS_LINK_NONE, SOTTO_ERR_INVALID);
		*link = (struct link){.kind = kind, .epoch = id.epoch};
	}
out:
	return err;
}

enum sotto_err psk_secret_of_welcome(const struct psk_finder *finder, struct bytes psks,
				     size_t count, struct secret *secret)
{
	struct psk_chain chain;
	struct reader reader;
	enum sotto_err err = SOTTO_OK;

	if (count > PSK_COUNT_MAX)
		return SOTTO_ERR_LIMIT;
	psk_chain_init(&chain, finder->suite, finder->config->allocator, count);
	reader_init(&reader, psks);
	while (reader_more(&reader)) {
		struct psk_id_view id;
		struct bytes psk;

		psk_id_read(&reader, &id);
		TRY(psk_find(finder, &id, &psk));
		TRY(psk_chain_add(&chain, id.encoded, psk));
	}
	*secret = chain.secret;
out:
	secret_wipe(&chain.secret);
	return err;
}

void psk_ids_write(const struct proposal_list *list, struct writer *writer)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct bytes encoded = list->items[i].encoded;

		if (list->items[i].type == MLS_PROPOSAL_PSK)
			writer_put_bytes(writer, BYTES(encoded.data + 2, encoded.len - 2));
	}
}

static enum sotto_err put_nonce(const struct mls_config *config, const struct suite *suite,
				struct writer *writer)
{
	uint8_t nonce[HASH_LEN_MAX];
	size_t len = suite_hash_len(suite);
	enum sotto_err err = random_fill(config->random, nonce, len);

	if (err == SOTTO_OK)
		writer_put_vector(writer, BYTES(nonce, len));
	return err;
}

enum sotto_err psk_external_write(const struct mls_config *config, const struct suite *suite,
				  struct bytes psk_id, struct writer *writer)
{
	writer_put_u16(writer, MLS_PROPOSAL_PSK);
	writer_put_u8(writer, PSK_EXTERNAL);
	writer_put_vector(writer, psk_id);
	return put_nonce(config, suite, writer);
}

enum sotto_err psk_proposal_write(const struct psk_finder *finder, struct bytes psk_id,
				  struct writer *writer)
{
	struct psk_id_view id = {.type = PSK_EXTERNAL, .id = psk_id};
	struct bytes psk;
	enum sotto_err err = psk_find(finder, &id, &psk);

	return err == SOTTO_OK ? psk_external_write(finder->config, finder->suite, psk_id, writer)
			       : err;
}

enum sotto_err psk_resumption_write(const struct psk_finder *finder, enum psk_usage usage,
				    struct bytes group_id, uint64_t epoch, struct writer *writer)
{
	struct psk_id_view id = {
		.type = PSK_RESUMPTION, .id = group_id, .usage = (uint8_t)usage, .epoch = epoch};
	struct bytes psk;
	enum sotto_err err = psk_find(finder, &id, &psk);

	if (err != SOTTO_OK)
		return err;
	writer_put_u16(writer, MLS_PROPOSAL_PSK);
	writer_put_u8(writer, PSK_RESUMPTION);
	writer_put_u8(writer, (uint8_t)usage);
	writer_put_vector(writer, group_id);
	writer_put_u64(writer, epoch);
	return put_nonce(finder->config, finder->suite, writer);
}
