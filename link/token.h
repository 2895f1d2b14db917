/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The token in a phone's Initial packets: what makes a relay look at them at all.
 *
 *   token  = random[16] | masked time[8] | tag[16]
 *   masked = utc_ms XOR HMAC-SHA256(token mask key, random | DCID)[0..8]
 *   tag    = HMAC-SHA256(token MAC key, DCID | random | masked)[0..16]
 *
 * Encrypt, then MAC: one MAC per key decides, and only then is the time unmasked. Without the key all 40
 * bytes look random, so nothing names the network or the hour.
 */
#ifndef LINK_TOKEN_H
#define LINK_TOKEN_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/random.h"
#include "link/secrets.h"

#define LINK_CID_LEN   8 /* of every connection id on a link */
#define TOKEN_LEN      40
#define TOKEN_TAG_LEN  16
#define TOKEN_TAG_FROM (TOKEN_LEN - TOKEN_TAG_LEN)

MUST_USE enum sotto_err token_create(const struct link_secrets *secrets,
				     const struct random_source *random, const uint8_t *dcid,
				     uint64_t utc_ms, uint8_t *token);

/* VERIFY: not of this key, or not for this DCID. On success *utc_ms is what the phone's clock said. */
MUST_USE enum sotto_err token_open(const struct link_secrets *secrets, const uint8_t *dcid,
				   struct bytes token, uint64_t *utc_ms);

#endif
