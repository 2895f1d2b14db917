/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relay's one small file: its Ed25519 seed and the access state, sealed.
 *
 *   version (1) | nonce (24) | XChaCha20-Poly1305 of a wire_relay_state
 *
 * The key comes from the operator's credential store (systemd-creds can bind it to a TPM) or, without one,
 * from a file beside: then the seal only makes sure that nobody wrote another state into it.
 */
#ifndef RELAY_STATE_H
#define RELAY_STATE_H

#include "base/random.h"
#include "wire/wire.h"

#define RELAY_STATE_LEN_MAX (1 + 24 + 16 + WIRE_KEY_LEN + 8 + WIRE_ACCESS_STATE_MAX)

/* To a growing or fixed writer. */
MUST_USE enum sotto_err relay_state_seal(const uint8_t seal_key[WIRE_KEY_LEN],
					 const struct random_source *random,
					 const struct wire_relay_state *state,
					 struct writer *writer);

/*
 * buffer: RELAY_STATE_LEN_MAX bytes, holds the secret afterwards and is borrowed by state; the caller wipes
 * it. VERSION: of another sottod. VERIFY: another key, or changed.
 */
MUST_USE enum sotto_err relay_state_open(const uint8_t seal_key[WIRE_KEY_LEN], struct bytes sealed,
					 uint8_t *buffer, struct wire_relay_state *state);

#endif
