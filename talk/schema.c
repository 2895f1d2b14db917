/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptors of what stands inside conversations: the schema lines once more, as tables. */
#include "talk/schema.h"

#define DEFINE(name, words) WIRE_TYPE(talk_##name, TALK_FIELDS_##name, words)
TALK_STRUCTURES(DEFINE)

#define ENTRY(name, words) &talk_##name##_type,
const struct wire_type *const talk_types[] = {TALK_STRUCTURES(ENTRY)};
const size_t talk_type_count = ARRAY_LEN(talk_types);
