/* SPDX-License-Identifier: Apache-2.0 */
/* A stream in two cuts gives what it gives in one. The first byte of the input says where to cut. */
#include <stdint.h>

#include "base/assert.h"
#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum sotto_err feed(struct wire_splitter *splitter, struct bytes piece, uint64_t *sum)
{
	enum sotto_err err;
	struct bytes message;

	while ((err = wire_splitter_next(splitter, &piece, &message)) == SOTTO_OK) {
		for (size_t i = 0; i < message.len; i++)
			*sum = *sum * 31 + message.data[i] + 1;
		*sum = *sum * 31 + message.len;
	}
	ASSERT(err != SOTTO_ERR_AGAIN || piece.len == 0);
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_splitter whole;
	struct wire_splitter cut;
	enum sotto_err whole_err;
	enum sotto_err cut_err;
	uint64_t whole_sum = 0;
	uint64_t cut_sum = 0;
	size_t at;

	if (size == 0)
		return 0;
	at = data[0] < size - 1 ? data[0] : size - 1;
	wire_splitter_init(&whole, &allocator_default);
	wire_splitter_init(&cut, &allocator_default);
	whole_err = feed(&whole, BYTES(data + 1, size - 1), &whole_sum);
	cut_err = feed(&cut, BYTES(data + 1, at), &cut_sum);
	if (cut_err == SOTTO_ERR_AGAIN)
		cut_err = feed(&cut, BYTES(data + 1 + at, size - 1 - at), &cut_sum);
	ASSERT(whole_err == cut_err && whole_sum == cut_sum);
	wire_splitter_finish(&whole);
	wire_splitter_finish(&cut);
	return 0;
}
