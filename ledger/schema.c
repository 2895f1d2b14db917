/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptors of the ledger's structures: the schema lines once more, as tables. */
#include "ledger/schema.h"

#define DEFINE(name, words) WIRE_TYPE(ledger_##name, LEDGER_FIELDS_##name, words)
LEDGER_STRUCTURES(DEFINE)

#define ENTRY(name, words) &ledger_##name##_type,
const struct wire_type *const ledger_types[] = {LEDGER_STRUCTURES(ENTRY)};
const size_t ledger_type_count = ARRAY_LEN(ledger_types);
