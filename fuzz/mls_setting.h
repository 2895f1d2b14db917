/* SPDX-License-Identifier: Apache-2.0 */
/* Small groups for fuzz targets, the same in every run: randomness is a fixed stream. */
#ifndef FUZZ_MLS_SETTING_H
#define FUZZ_MLS_SETTING_H

#include <string.h>

#include "base/assert.h"
#include "mls/group.h"

static uint64_t stream_state;

static enum sotto_err stream_fill(void *context, uint8_t *out, size_t len)
{
	(void)context;
	for (size_t i = 0; i < len; i++) {
		stream_state = stream_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
		out[i] = (uint8_t)(stream_state >> 56);
	}
	return SOTTO_OK;
}

static const struct random_source stream = {.fill = stream_fill};

static struct mls_config setting_config(void)
{
	return (struct mls_config){
		.allocator = &allocator_default,
		.random = &stream,
		.limits = *mls_limits_default(),
	};
}

/* What a target of several suites runs: their keys, hashes, ciphertexts and AEADs differ in length and kind. */
static const uint16_t setting_suites[] = {
	MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519,
	MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519,
	MLS_MLKEM768X25519_AES128GCM_SHA256_Ed25519,
	MLS_MLKEM768X25519_AES256GCM_SHA384_Ed25519,
};

#define SETTING_SUITES ARRAY_LEN(setting_suites)

/* Of an input's first byte the low half says what the rest is, the high half by which suite. */
static inline size_t setting_suite_index(uint8_t first)
{
	return (first >> 4) % SETTING_SUITES;
}

static inline uint8_t setting_kind(uint8_t first)
{
	return first & 0x0f;
}

static inline void setting_must(enum sotto_err err)
{
	ASSERT(err == SOTTO_OK);
}

static inline void setting_leaf(const struct mls_identity *identity, struct mls_leaf_options *leaf)
{
	static const uint16_t types[] = {MLS_EXTENSION_PRIVATE_USE};

	*leaf = (struct mls_leaf_options){
		.identity = identity,
		.credential = {.type = MLS_CREDENTIAL_BASIC, .content = BYTES_TEXT("somebody")},
		.extension_types = types,
		.extension_type_count = 1,
		.lifetime = {.not_before = 0, .not_after = UINT64_MAX},
	};
}

#endif
