/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the link derives from one access key, each under a label of its own:
 *
 *   prk = HKDF-Extract("sotto/1 link key", secret)
 *   psk identity | psk | token MAC | token mask | Initial keys | envelope mask
 *       = HKDF-Expand(prk, "sotto/1 " + name + kind u8 + number u64)
 *
 * Inside link/ only.
 */
#ifndef LINK_SECRETS_H
#define LINK_SECRETS_H

#include <stdint.h>

#include "link/link_key.h"

#define LINK_PSK_ID_LEN 16

struct link_secrets {
	enum link_key_kind kind;
	uint64_t number;
	uint8_t psk_id[LINK_PSK_ID_LEN];
	uint8_t psk[LINK_SECRET_LEN];
	uint8_t token_mac[LINK_SECRET_LEN];
	uint8_t token_mask[LINK_SECRET_LEN];
	uint8_t initial[LINK_SECRET_LEN];
	uint8_t envelope[LINK_SECRET_LEN];
};

void link_secrets_derive(const struct link_key *key, struct link_secrets *secrets);

#endif
