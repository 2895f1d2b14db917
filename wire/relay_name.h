/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a relay is named to the person who founds a network with it: what sottod prints at every start.
 *
 *	HOST:PORT#KEY        KEY: armour(relay's Ed25519 key), or until it is used armour(key || claim)
 */
#ifndef WIRE_RELAY_NAME_H
#define WIRE_RELAY_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/writer.h"
#include "wire/limits.h"

/* HOST:PORT, for a host of the DNS' longest name or a bracketed IPv6 address. */
#define WIRE_RELAY_ADDRESS_MAX 261

struct wire_relay_name {
	struct bytes address; /* HOST:PORT */
	uint8_t key[WIRE_KEY_LEN];
	uint8_t claim[WIRE_KEY_LEN];
	bool has_claim;
};

/* Appends the text. */
void wire_relay_name_put(const struct wire_relay_name *name, struct writer *text);

/*
 * address borrows from text and is looked at for its length only. SOTTO_ERR_FORMAT: not of this form, or
 * mistyped. Wipe what was written: the claim is a secret.
 */
MUST_USE enum sotto_err wire_relay_name_get(struct bytes text, struct wire_relay_name *name);

#endif
