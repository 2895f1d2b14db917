/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the processes of a phone say to each other; the form of a line is in schema_relay.h.
 */
#ifndef WIRE_SCHEMA_PHONE_H
#define WIRE_SCHEMA_PHONE_H

#include "wire/limits.h"

/* S(PHONE, name, number, words) */
#define WIRE_PHONE_STRUCTURES(S)

#endif
