/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptors of what a phone keeps of its conversations. */
#include "talk/schema_store.h"

#define DEFINE(name) WIRE_TYPE(talk_##name, TALK_FIELDS_##name, "kept by a phone")
TALK_KEPT_STRUCTURES(DEFINE)

#define ENTRY(name) &talk_##name##_type,
const struct wire_type *const talk_kept_types[] = {TALK_KEPT_STRUCTURES(ENTRY)};
const size_t talk_kept_type_count = ARRAY_LEN(talk_kept_types);
