/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptors of what a phone keeps of its conversations. */
#include "talk/schema_store.h"

#define DEFINE(name) WIRE_TYPE(talk_##name, TALK_FIELDS_##name, "kept by a phone")
TALK_KEPT_STRUCTURES(DEFINE)
