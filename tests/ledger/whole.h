/* SPDX-License-Identifier: Apache-2.0 */
/* For tests with cmocka. */
#ifndef TESTS_LEDGER_WHOLE_H
#define TESTS_LEDGER_WHOLE_H

#include <string.h>

#include "tests/ledger/network.h"

/* Every truncation and every flipped bit of this entry is refused and changes nothing. */
static inline void assert_only_whole(struct ledger *ledger, struct entry_bytes *entry)
{
	uint8_t head[LEDGER_HASH_LEN];

	memcpy(head, ledger_head(ledger, ledger_length(ledger)), sizeof(head));
	for (size_t len = 0; len < entry->len; len++)
		assert_int_not_equal(ledger_append(ledger, BYTES(entry->data, len)), SOTTO_OK);
	for (size_t bit = 0; bit < entry->len * 8; bit++) {
		entry->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(ledger_append(ledger, BYTES(entry->data, entry->len)),
				     SOTTO_OK);
		entry->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_memory_equal(ledger_head(ledger, ledger_length(ledger)), head, sizeof(head));
}

#endif
