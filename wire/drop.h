/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What phone and relay compute alike about drops (docs/protocol.md, Drops) and what is signed (Access keys
 * at the relay). Pure functions of their arguments.
 */
#ifndef WIRE_DROP_H
#define WIRE_DROP_H

#include "wire/wire.h"

/* hash: WIRE_HASH_LEN bytes out. */
void wire_append_token_hash(const uint8_t token[WIRE_TOKEN_LEN], uint8_t hash[WIRE_HASH_LEN]);
void wire_read_token_hash(const uint8_t token[WIRE_TOKEN_LEN], uint8_t hash[WIRE_HASH_LEN]);
void wire_drop_name(uint8_t flags, const uint8_t append_token_hash[WIRE_HASH_LEN],
		    const uint8_t read_token_hash[WIRE_HASH_LEN], uint8_t name[WIRE_HASH_LEN]);

/* h(0). */
void wire_running_start(const uint8_t name[WIRE_HASH_LEN],
			const uint8_t incarnation[WIRE_INCARNATION_LEN],
			uint8_t running[WIRE_HASH_LEN]);

/* h(n) from h(n-1), in place. */
void wire_running_next(uint8_t running[WIRE_HASH_LEN], struct bytes record);

/* The same where H(record) is known already. */
void wire_running_next_hash(uint8_t running[WIRE_HASH_LEN],
			    const uint8_t record_hash[WIRE_HASH_LEN]);

/*
 * A reader's check: do the records lead from before_hash to running_hash, and did the relay sign that?
 * SOTTO_ERR_VERIFY if not.
 */
MUST_USE enum sotto_err wire_batch_verify(const struct wire_batch *batch,
					  const uint8_t relay_key[WIRE_KEY_LEN]);

/*
 * How a live link proves that its phone knows another access key (s+1 after a rotation): an HMAC under that
 * key over the link's exporter (docs/protocol.md, Access keys), so that nobody can use the proof on a link
 * of his own. The relay compares with bytes_equal_ct.
 */
void wire_key_possession(uint64_t number, const uint8_t secret[WIRE_KEY_LEN],
			 const uint8_t exporter[WIRE_EXPORTER_LEN], uint8_t mac[WIRE_MAC_LEN]);

/*
 * The contents that are signed. Each writes to a buffer of WIRE_SIGNED_LEN_MAX bytes and returns what was
 * written.
 */
#define WIRE_SIGNED_LEN_MAX (128 + WIRE_ADMINS_MAX * WIRE_KEY_LEN)

struct bytes wire_signed_batch(const uint8_t name[WIRE_HASH_LEN],
			       const uint8_t incarnation[WIRE_INCARNATION_LEN], uint64_t sequence,
			       const uint8_t running[WIRE_HASH_LEN], uint8_t *buffer);
struct bytes wire_signed_key_install(const uint8_t network[WIRE_HASH_LEN],
				     const struct wire_key_install *install, uint8_t *buffer);
struct bytes wire_signed_porch_install(const uint8_t network[WIRE_HASH_LEN],
				       const struct wire_porch_install *install, uint8_t *buffer);
struct bytes wire_signed_admins_change(const uint8_t network[WIRE_HASH_LEN],
				       const struct wire_admins_change *change, uint8_t *buffer);

#endif
