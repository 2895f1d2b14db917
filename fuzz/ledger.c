/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ledger structures: the first byte chooses one, the rest is its encoding. An envelope goes through the
 * decoder of entries and, if that takes it, of its body too.
 */
#include <stddef.h>
#include <stdint.h>

#include "fuzz/round_trip.h"
#include "ledger/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct wire_type *type;
	struct ledger_entry entry;
	union ledger_body body;
	struct writer writer;
	struct bytes input;

	if (size == 0)
		return 0;
	type = ledger_types[data[0] % ledger_type_count];
	input = BYTES(data + 1, size - 1);
	round_trip(type, input);
	if (type != &ledger_envelope_type || ledger_entry_decode(input, &entry) != SOTTO_OK ||
	    ledger_body_decode(entry.act.action, entry.act.body, &body) != SOTTO_OK)
		return 0;
	writer_init_growing(&writer, &allocator_default);
	ASSERT(ledger_body_encode(entry.act.action, &body, &writer) == SOTTO_OK);
	ASSERT(bytes_equal(writer_bytes(&writer), entry.act.body));
	writer_release(&writer);
	return 0;
}
