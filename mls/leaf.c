/* SPDX-License-Identifier: Apache-2.0 */
/* LeafNode: parse, keep, show. */
#include "mls/leaf.h"

#include <string.h>

/*
 * opaque identity<V> of basic, Certificate certificates<V> of x509; other types: one vector, as
 * GREASE would.
 */
void credential_read(struct reader *reader, struct mls_credential *credential,
		     struct bytes *encoded)
{
	const uint8_t *start = reader->at;

	credential->type = reader_get_u16(reader);
	if (credential->type == MLS_CREDENTIAL_X509) {
		struct reader certificates = reader_get_nested(reader);

		credential->content = BYTES(certificates.at, reader_left(&certificates));
		while (reader_more(&certificates))
			(void)reader_get_vector(&certificates);
		reader_end_nested(reader, &certificates);
	} else {
		credential->content = reader_get_vector(reader);
	}
	*encoded = BYTES(start, (size_t)(reader->at - start));
}

static void capabilities_read(struct reader *reader, struct leaf_view *view)
{
	const uint8_t *start = reader->at;

	view->versions = u16_list_read(reader);
	view->suites = u16_list_read(reader);
	view->extension_types = u16_list_read(reader);
	view->proposal_types = u16_list_read(reader);
	view->credential_types = u16_list_read(reader);
	view->capabilities_encoded = BYTES(start, (size_t)(reader->at - start));
}

void leaf_view_read(struct reader *reader, struct leaf_view *view)
{
	const uint8_t *start = reader->at;

	*view = (struct leaf_view){0};
	view->encryption_key = reader_get_vector(reader);
	view->signature_key = reader_get_vector(reader);
	credential_read(reader, &view->credential, &view->credential_encoded);
	capabilities_read(reader, view);
	view->source = (enum leaf_source)reader_get_u8(reader);
	switch (view->source) {
	case LEAF_KEY_PACKAGE:
		view->lifetime.not_before = reader_get_u64(reader);
		view->lifetime.not_after = reader_get_u64(reader);
		break;
	case LEAF_UPDATE:
		break;
	case LEAF_COMMIT:
		view->parent_hash = reader_get_vector(reader);
		break;
	default:
		reader_fail(reader, SOTTO_ERR_FORMAT);
		break;
	}
	view->extensions = extensions_read(reader);
	view->signed_len = (size_t)(reader->at - start);
	view->signature = reader_get_vector(reader);
	view->encoded = BYTES(start, (size_t)(reader->at - start));
}

struct leaf_node *leaf_node_make(const struct allocator *allocator, struct bytes encoded)
{
	size_t size = sizeof(struct leaf_node) + encoded.len;
	struct leaf_node *leaf = allocator_take(allocator, size);
	struct reader reader;

	if (leaf == NULL)
		return NULL;
	leaf->refs = 1;
	leaf->size = size;
	memcpy(leaf->storage, encoded.data, encoded.len);
	reader_init(&reader, BYTES(leaf->storage, encoded.len));
	leaf_view_read(&reader, &leaf->view);
	return leaf;
}

/*
 * Counts are the one thing of a leaf that changes; a leaf never crosses threads (see sotto/mls.h).
 */
static struct leaf_node *leaf_node_counted(const struct leaf_node *leaf)
{
	union {
		const struct leaf_node *shown;
		struct leaf_node *counted;
	} same = {.shown = leaf};

	return same.counted;
}

struct leaf_node *leaf_node_ref(const struct leaf_node *leaf)
{
	struct leaf_node *counted = leaf_node_counted(leaf);

	counted->refs++;
	return counted;
}

void leaf_node_drop(const struct allocator *allocator, const struct leaf_node *leaf)
{
	struct leaf_node *counted = leaf_node_counted(leaf);

	if (leaf != NULL && --counted->refs == 0)
		allocator_give(allocator, counted, counted->size);
}

void leaf_member(const struct leaf_view *view, uint32_t leaf, struct mls_member *member)
{
	*member = (struct mls_member){
		.leaf = leaf,
		.credential = view->credential,
		.signature_key = view->signature_key,
		.encryption_key = view->encryption_key,
		.extensions = view->extensions,
		.lifetime = view->lifetime,
		.encoded = view->encoded,
	};
}
