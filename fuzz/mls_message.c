/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every MLSMessage that parses is written again byte for byte; its bodies parse the same way twice.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "mls/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_body(const struct framed *framed)
{
	struct proposal_view proposal;
	struct commit_view commit;
	struct reader reader;

	reader_init(&reader, framed->body);
	if (framed->content_type == MLS_CONTENT_PROPOSAL) {
		proposal_read(&reader, &proposal);
		ASSERT(reader_finish(&reader) == SOTTO_OK);
		ASSERT(bytes_equal(proposal.encoded, framed->body));
	} else if (framed->content_type == MLS_CONTENT_COMMIT) {
		commit_read(&reader, &commit);
		ASSERT(reader_finish(&reader) == SOTTO_OK);
		ASSERT(bytes_equal(commit.encoded, framed->body));
	}
}

static void check_again(const struct message_view *view, struct bytes input)
{
	struct writer writer;

	writer_init_growing(&writer, &allocator_default);
	writer_put_u16(&writer, MLS_VERSION);
	if (view->wire_format == MLS_PUBLIC_MESSAGE) {
		framed_write(&view->framed, &writer);
		if (view->framed.sender_type == SENDER_MEMBER)
			writer_put_vector(&writer, view->membership_tag);
		check_body(&view->framed);
	} else if (view->wire_format == MLS_PRIVATE_MESSAGE) {
		writer_put_u16(&writer, MLS_PRIVATE_MESSAGE);
		writer_put_bytes(&writer, view->content_aad);
		writer_put_vector(&writer, view->encrypted_sender_data);
		writer_put_vector(&writer, view->ciphertext);
	} else {
		writer_put_u16(&writer, (uint16_t)view->wire_format);
		writer_put_bytes(&writer, view->rest);
	}
	ASSERT(writer.err == SOTTO_OK && bytes_equal(writer_bytes(&writer), input));
	writer_release(&writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes input = BYTES(data, size);
	struct key_package_view package;
	struct mls_message_info info;
	struct message_view view;

	if (message_read(input, &view) == SOTTO_OK)
		check_again(&view, input);
	if (key_package_message_read(input, &package) == SOTTO_OK)
		ASSERT(package.encoded.len + 4 == size);
	if (mls_message_read(input, &info) == SOTTO_OK)
		ASSERT(message_read(input, &view) == SOTTO_OK);
	return 0;
}
