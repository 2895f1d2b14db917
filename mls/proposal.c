/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing key packages, proposals, commits: each structure of the RFC is one function here. */
#include "mls/proposal.h"

static struct bytes span_from(const struct reader *reader, const uint8_t *start)
{
	return BYTES(start, (size_t)(reader->at - start));
}

void key_package_read(struct reader *reader, struct key_package_view *view)
{
	const uint8_t *start = reader->at;

	view->version = reader_get_u16(reader);
	view->suite = reader_get_u16(reader);
	view->init_key = reader_get_vector(reader);
	leaf_view_read(reader, &view->leaf);
	view->extensions = extensions_read(reader);
	view->signed_len = (size_t)(reader->at - start);
	view->signature = reader_get_vector(reader);
	view->encoded = span_from(reader, start);
}

enum sotto_err key_package_message_read(struct bytes message, struct key_package_view *view)
{
	struct key_package_view parsed;
	struct reader reader;
	enum sotto_err err;
	uint16_t version;

	reader_init(&reader, message);
	version = reader_get_u16(&reader);
	if (reader_get_u16(&reader) != MLS_KEY_PACKAGE)
		reader_fail(&reader, SOTTO_ERR_ARGUMENT);
	key_package_read(&reader, &parsed);
	err = reader_finish(&reader);
	if (err != SOTTO_OK)
		return err;
	if (version != MLS_VERSION || parsed.version != MLS_VERSION)
		return SOTTO_ERR_VERSION;
	*view = parsed;
	return SOTTO_OK;
}

void psk_id_read(struct reader *reader, struct psk_id_view *view)
{
	const uint8_t *start = reader->at;

	*view = (struct psk_id_view){.type = (enum psk_type)reader_get_u8(reader)};
	switch (view->type) {
	case PSK_EXTERNAL:
		view->id = reader_get_vector(reader);
		break;
	case PSK_RESUMPTION:
		view->usage = reader_get_u8(reader);
		view->id = reader_get_vector(reader);
		view->epoch = reader_get_u64(reader);
		break;
	default:
		reader_fail(reader, SOTTO_ERR_FORMAT);
		break;
	}
	view->nonce = reader_get_vector(reader);
	view->encoded = span_from(reader, start);
}

void proposal_read(struct reader *reader, struct proposal_view *view)
{
	const uint8_t *start = reader->at;

	view->type = reader_get_u16(reader);
	switch (view->type) {
	case MLS_PROPOSAL_ADD:
		key_package_read(reader, &view->add);
		break;
	case MLS_PROPOSAL_UPDATE:
		leaf_view_read(reader, &view->update);
		break;
	case MLS_PROPOSAL_REMOVE:
		view->removed = reader_get_u32(reader);
		break;
	case MLS_PROPOSAL_PSK:
		psk_id_read(reader, &view->psk);
		break;
	case MLS_PROPOSAL_REINIT:
		view->reinit.group_id = reader_get_vector(reader);
		view->reinit.version = reader_get_u16(reader);
		view->reinit.suite = reader_get_u16(reader);
		view->reinit.extensions = extensions_read(reader);
		break;
	case MLS_PROPOSAL_EXTERNAL_INIT:
		view->kem_output = reader_get_vector(reader);
		break;
	case MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS:
		view->extensions = extensions_read(reader);
		break;
	default:
		reader_fail(reader, SOTTO_ERR_UNSUPPORTED);
		break;
	}
	view->encoded = span_from(reader, start);
}

void proposal_entry_read(struct reader *reader, struct proposal_entry *entry)
{
	switch (reader_get_u8(reader)) {
	case 1:
		entry->by_reference = false;
		entry->reference = BYTES_NONE;
		proposal_read(reader, &entry->proposal);
		break;
	case 2:
		entry->by_reference = true;
		entry->reference = reader_get_vector(reader);
		break;
	default:
		reader_fail(reader, SOTTO_ERR_FORMAT);
		break;
	}
}

void path_node_read(struct reader *reader, struct path_node_view *view)
{
	struct reader ciphertexts;

	view->encryption_key = reader_get_vector(reader);
	ciphertexts = reader_get_nested(reader);
	view->ciphertexts = BYTES(ciphertexts.at, reader_left(&ciphertexts));
	view->ciphertext_count = 0;
	for (; reader_more(&ciphertexts); view->ciphertext_count++)
		(void)hpke_ciphertext_read(&ciphertexts);
	reader_end_nested(reader, &ciphertexts);
}

void path_read(struct reader *reader, struct path_view *view)
{
	struct path_node_view node;
	struct reader nodes;

	leaf_view_read(reader, &view->leaf);
	nodes = reader_get_nested(reader);
	view->nodes = BYTES(nodes.at, reader_left(&nodes));
	view->node_count = 0;
	for (; reader_more(&nodes); view->node_count++)
		path_node_read(&nodes, &node);
	reader_end_nested(reader, &nodes);
}

void commit_read(struct reader *reader, struct commit_view *view)
{
	const uint8_t *start = reader->at;
	struct reader proposals = reader_get_nested(reader);
	struct proposal_entry entry;

	view->proposals = BYTES(proposals.at, reader_left(&proposals));
	view->proposal_count = 0;
	for (; reader_more(&proposals); view->proposal_count++)
		proposal_entry_read(&proposals, &entry);
	reader_end_nested(reader, &proposals);
	switch (reader_get_u8(reader)) {
	case 0:
		view->has_path = false;
		break;
	case 1:
		view->has_path = true;
		path_read(reader, &view->path);
		break;
	default:
		reader_fail(reader, SOTTO_ERR_FORMAT);
		break;
	}
	view->encoded = span_from(reader, start);
}
