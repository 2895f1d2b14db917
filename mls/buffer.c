/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's buffers, and the limits that hold when he names none. */
#include "mls/buffer.h"

static const struct mls_limits limits_default = {
	.members = 65536,
	.cached_proposals = 1024,
	.generations_forward = 1000,
	.skipped_keys = 1000,
	.past_epochs = 3,
	.extension_bytes = 1 << 20,
	.lifetime_s = 0,
};

const struct mls_limits *mls_limits_default(void)
{
	return &limits_default;
}

void buffer_take(struct mls_buffer *buffer, struct writer *writer)
{
	*buffer = (struct mls_buffer){
		.data = writer->data,
		.len = writer->len,
		.capacity = writer->capacity,
		.allocator = writer->allocator,
	};
	writer_init_growing(writer, writer->allocator);
}

void mls_buffer_release(struct mls_buffer *buffer)
{
	if (buffer == NULL || buffer->data == NULL)
		return;
	allocator_wipe(buffer->allocator, buffer->data, buffer->capacity);
	*buffer = (struct mls_buffer){0};
}
