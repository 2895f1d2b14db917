/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a KEM is inside this folder: a row of the table in crypto/kem.c with the operations of its family. They are
 * those of crypto/kem.h.
 */
#ifndef CRYPTO_KEM_SCHEME_H
#define CRYPTO_KEM_SCHEME_H

#include "crypto/kem.h"

struct kem;

struct kem_ops {
	enum sotto_err (*derive)(const struct kem *kem, struct bytes ikm,
				 struct secret *private_key, uint8_t *public_key);
	enum sotto_err (*generate)(const struct kem *kem, const struct random_source *random,
				   struct secret *private_key, uint8_t *public_key);
	enum sotto_err (*public_of)(const struct kem *kem, struct bytes private_key,
				    uint8_t *public_key);
	enum sotto_err (*check_public)(const struct kem *kem, struct bytes public_key);
	enum sotto_err (*encap)(const struct kem *kem, const struct random_source *random,
				struct bytes public_key, uint8_t *enc, struct secret *shared);
	enum sotto_err (*decap)(const struct kem *kem, struct bytes private_key, struct bytes enc,
				struct secret *shared);
};

struct kem {
	enum kem_alg alg;
	const struct kem_ops *ops;
	uint16_t private_len;
	uint16_t public_len;
	uint16_t enc_len;
	uint16_t secret_len;
};

extern const struct kem_ops kem_dh;
extern const struct kem_ops kem_mlkem;
extern const struct kem_ops kem_xwing;

/* "KEM" and the number (RFC 9180 4.1). */
#define KEM_SUITE_ID_LEN 5

struct bytes kem_suite_id(const struct kem *kem, uint8_t out[KEM_SUITE_ID_LEN]);

/*
 * derive and generate of a KEM whose private key is a seed (draft-ietf-hpke-pq): SHAKE256 makes it of the ikm, or it
 * is random; public_of does the rest.
 */
enum sotto_err kem_seed_derive(const struct kem *kem, struct bytes ikm, struct secret *private_key,
			       uint8_t *public_key);
enum sotto_err kem_seed_generate(const struct kem *kem, const struct random_source *random,
				 struct secret *private_key, uint8_t *public_key);

#endif
