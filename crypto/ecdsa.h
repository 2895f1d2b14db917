/* SPDX-License-Identifier: Apache-2.0 */
/* ECDSA (FIPS 186-5 6) behind crypto/sign.h; errors as there. */
#ifndef CRYPTO_ECDSA_H
#define CRYPTO_ECDSA_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/random.h"
#include "crypto/hash.h"
#include "crypto/nist.h"

MUST_USE enum sotto_err ecdsa_create(const struct nist_curve *curve, enum hash_alg hash,
				     const struct random_source *random, struct bytes private_key,
				     struct bytes message, uint8_t *signature,
				     size_t *signature_len);
MUST_USE enum sotto_err ecdsa_check(const struct nist_curve *curve, enum hash_alg hash,
				    struct bytes public_key, struct bytes message,
				    struct bytes signature);

#endif
