/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What crypto/ costs beside the bare calls of the library below it, or of the other library that could have been
 * below it: nanoseconds of processor time an operation, best of several rounds, and the ratio. Below 1 ours is
 * faster. ML-KEM with AVX2 stands beside the portable code, X-Wing beside X25519 alone.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <nettle/aes.h>
#include <nettle/chacha-poly1305.h>
#include <nettle/curve25519.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecdsa.h>
#include <nettle/eddsa.h>
#include <nettle/gcm.h>
#include <nettle/sha2.h>
#include <nettle/sha3.h>
#include <sodium.h>

#include "base/assert.h"
#include "crypto/aead.h"
#include "crypto/aes.h"
#include "crypto/dh.h"
#include "crypto/hash.h"
#include "crypto/hpke.h"
#include "crypto/init.h"
#include "crypto/keccak.h"
#include "crypto/kem.h"
#include "crypto/mlkem_internal.h"
#include "crypto/sign.h"

#define MESSAGE_LEN 1200 /* a full packet */
#define FRAME_LEN   60	 /* a voice frame: 20 ms at 24 kbit/s */
#define TEXT_LEN    120	 /* a short message; what a key schedule hashes */
#define ROUNDS	    7
#define ROUND_NS    20000000

static uint8_t key[64] = {1}, nonce[24] = {2}, message[MESSAGE_LEN] = {3};
static uint8_t out[MESSAGE_LEN + AEAD_TAG_LEN];
static uint8_t public_key[SIGN_PUBLIC_LEN_MAX], signature[SIGN_SIGNATURE_LEN_MAX];
static size_t signature_len;

static enum sotto_err fill(void *context, uint8_t *bytes, size_t len)
{
	(void)context;
	randombytes_buf(bytes, len);
	return SOTTO_OK;
}

static const struct random_source source = {.fill = fill};

static void ok(enum sotto_err err)
{
	ASSERT(err == SOTTO_OK);
}

static void gcm_ours(size_t len)
{
	aead_seal(AEAD_AES128GCM, BYTES(key, 16), BYTES(nonce, 12), BYTES_NONE, BYTES(message, len),
		  out);
}

static void gcm_nettle(size_t len)
{
	struct gcm_aes128_ctx gcm;

	gcm_aes128_set_key(&gcm, key);
	gcm_aes128_set_iv(&gcm, 12, nonce);
	gcm_aes128_encrypt(&gcm, len, out, message);
	gcm_aes128_digest(&gcm, AEAD_TAG_LEN, out + len);
}

static void gcm256_ours(size_t len)
{
	aead_seal(AEAD_AES256GCM, BYTES(key, 32), BYTES(nonce, 12), BYTES_NONE, BYTES(message, len),
		  out);
}

static void gcm256_sodium(size_t len)
{
	(void)crypto_aead_aes256gcm_encrypt(out, NULL, message, len, NULL, 0, NULL, nonce, key);
}

static void sha256_ours(size_t len)
{
	hash_digest(HASH_SHA256, BYTES(message, len), out);
}

static void sha256_sodium(size_t len)
{
	(void)crypto_hash_sha256(out, message, len);
}

static void sha512_ours(size_t len)
{
	hash_digest(HASH_SHA512, BYTES(message, len), out);
}

static void sha512_sodium(size_t len)
{
	(void)crypto_hash_sha512(out, message, len);
}

static void sha3_ours(size_t len)
{
	sha3_256(&BYTES(message, len), 1, out);
}

static void sha3_nettle(size_t len)
{
	struct sha3_256_ctx sha3;

	sha3_256_init(&sha3);
	sha3_256_update(&sha3, len, message);
	sha3_256_digest(&sha3, SHA3_256_LEN, out);
}

static void schedule_ours(size_t len)
{
	struct aes_key aes;

	aes_key_init(&aes, BYTES(key, len));
	memcpy(out, &aes, 16);
}

static void schedule_nettle(size_t len)
{
	struct aes256_ctx aes;

	(void)len;
	aes256_set_encrypt_key(&aes, key);
	memcpy(out, &aes, 16);
}

static void chacha_ours(size_t len)
{
	aead_seal(AEAD_CHACHA20POLY1305, BYTES(key, 32), BYTES(nonce, 12), BYTES_NONE,
		  BYTES(message, len), out);
}

static void chacha_nettle(size_t len)
{
	struct chacha_poly1305_ctx chacha;

	chacha_poly1305_set_key(&chacha, key);
	chacha_poly1305_set_nonce(&chacha, nonce);
	chacha_poly1305_encrypt(&chacha, len, out, message);
	chacha_poly1305_digest(&chacha, AEAD_TAG_LEN, out + len);
}

static void x25519_ours(size_t unused)
{
	(void)unused;
	ok(kem_public(KEM_X25519_SHA256, BYTES(key, 32), out));
}

static void x25519_sodium(size_t unused)
{
	(void)unused;
	(void)crypto_scalarmult_curve25519_base(out, key);
}

static void x25519_shared_ours(size_t unused)
{
	struct secret shared;

	(void)unused;
	ok(dh_shared(DH_X25519, BYTES(key, 32), BYTES(public_key, 32), &shared));
}

static void x25519_shared_nettle(size_t unused)
{
	(void)unused;
	curve25519_mul(out, key, public_key);
}

static void ed25519_sign_ours(size_t len)
{
	ok(sign_create(SIGN_ED25519, NULL, BYTES(key, 32), BYTES(message, len), signature,
		       &signature_len));
}

static void ed25519_sign_sodium(size_t len)
{
	static uint8_t expanded[crypto_sign_SECRETKEYBYTES];

	if (expanded[63] == 0)
		(void)crypto_sign_seed_keypair(public_key, expanded, key);
	(void)crypto_sign_detached(signature, NULL, message, len, expanded);
}

static void ed25519_sign_nettle(size_t len)
{
	ed25519_sha512_sign(public_key, key, len, message, signature);
}

static void ed25519_verify_ours(size_t len)
{
	ok(sign_verify(SIGN_ED25519, BYTES(public_key, 32), BYTES(message, len),
		       BYTES(signature, 64)));
}

static void ed25519_verify_nettle(size_t len)
{
	ASSERT(ed25519_sha512_verify(public_key, len, message, signature));
}

static void p256_sign_ours(size_t len)
{
	ok(sign_create(SIGN_ECDSA_P256_SHA256, &source, BYTES(key, 32), BYTES(message, len),
		       signature, &signature_len));
}

static void nettle_random(void *context, size_t len, uint8_t *bytes)
{
	(void)context;
	randombytes_buf(bytes, len);
}

static void p256_sign_nettle(size_t len)
{
	struct ecc_scalar scalar;
	struct dsa_signature rs;
	uint8_t digest[32];
	mpz_t number;

	mpz_init(number);
	mpz_import(number, 32, 1, 1, 0, 0, key);
	ecc_scalar_init(&scalar, nettle_get_secp_256r1());
	ASSERT(ecc_scalar_set(&scalar, number));
	hash_digest(HASH_SHA256, BYTES(message, len), digest);
	dsa_signature_init(&rs);
	ecdsa_sign(&scalar, NULL, nettle_random, sizeof(digest), digest, &rs);
	dsa_signature_clear(&rs);
	ecc_scalar_clear(&scalar);
	mpz_clear(number);
}

static void hpke_ours(size_t len)
{
	static const struct hpke_suite suite = {KEM_X25519_SHA256, HASH_SHA256, AEAD_AES128GCM};
	uint8_t enc[KEM_ENC_LEN_MAX];

	ok(hpke_seal_once(suite, &source, BYTES(public_key, 32), BYTES_NONE, BYTES_NONE,
			  BYTES(message, len), enc, out));
}

/* What HPKE cannot do without: two multiplications. */
static void hpke_sodium(size_t unused)
{
	(void)unused;
	(void)crypto_scalarmult_curve25519_base(out, key);
	ASSERT(crypto_scalarmult_curve25519(out, key, public_key) == 0);
}

/* ML-KEM of a set by each implementation, and the KEMs of HPKE by their numbers. */
static uint8_t ek[MLKEM_EK_LEN_MAX], dk[MLKEM_DK_LEN_MAX], ciphertext[MLKEM_CIPHERTEXT_LEN_MAX];

struct pair {
	enum kem_alg alg;
	struct secret private_key;
	uint8_t public_key[KEM_PUBLIC_LEN_MAX];
	uint8_t enc[KEM_ENC_LEN_MAX];
};

static struct pair xwing = {.alg = KEM_XWING}, x25519 = {.alg = KEM_X25519_SHA256};

static void keygen_by(const struct mlkem_ops *ops, size_t set)
{
	mlkem_keygen_by(ops, (enum mlkem_set)set, key, key + 32, ek, dk);
}

static void encaps_by(const struct mlkem_ops *ops, size_t set)
{
	ok(mlkem_encaps_by(ops, (enum mlkem_set)set, BYTES(ek, mlkem_ek_len((enum mlkem_set)set)),
			   key, ciphertext, out));
}

static void decaps_by(const struct mlkem_ops *ops, size_t set)
{
	ok(mlkem_decaps_by(ops, (enum mlkem_set)set, BYTES(dk, mlkem_dk_len((enum mlkem_set)set)),
			   BYTES(ciphertext, mlkem_ciphertext_len((enum mlkem_set)set)), out));
}

static void keygen_avx2(size_t set)
{
	keygen_by(mlkem_ops_choose(), set);
}

static void keygen_portable(size_t set)
{
	keygen_by(&mlkem_portable, set);
}

static void encaps_avx2(size_t set)
{
	encaps_by(mlkem_ops_choose(), set);
}

static void encaps_portable(size_t set)
{
	encaps_by(&mlkem_portable, set);
}

static void decaps_avx2(size_t set)
{
	decaps_by(mlkem_ops_choose(), set);
}

static void decaps_portable(size_t set)
{
	decaps_by(&mlkem_portable, set);
}

/* What MLS does for every node of a path. */
static void generate(struct pair *pair)
{
	ok(kem_derive(pair->alg, BYTES(key, 32), &pair->private_key, pair->public_key));
}

static void encap(struct pair *pair)
{
	struct secret shared;

	ok(kem_encap(pair->alg, &source, BYTES(pair->public_key, kem_public_len(pair->alg)),
		     pair->enc, &shared));
}

static void decap(struct pair *pair)
{
	struct secret shared;

	ok(kem_decap(pair->alg, secret_bytes(&pair->private_key),
		     BYTES(pair->enc, kem_enc_len(pair->alg)), &shared));
}

static void generate_xwing(size_t unused)
{
	(void)unused;
	generate(&xwing);
}

static void encap_xwing(size_t unused)
{
	(void)unused;
	encap(&xwing);
}

static void decap_xwing(size_t unused)
{
	(void)unused;
	decap(&xwing);
}

static void generate_x25519(size_t unused)
{
	(void)unused;
	generate(&x25519);
}

static void encap_x25519(size_t unused)
{
	(void)unused;
	encap(&x25519);
}

static void decap_x25519(size_t unused)
{
	(void)unused;
	decap(&x25519);
}

/* One round: nanoseconds an operation. */
static double measure(void (*run)(size_t), size_t argument)
{
	struct timespec start, now;
	double elapsed;
	unsigned count = 0;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	do {
		for (unsigned i = 0; i < 10; i++)
			run(argument);
		count += 10;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
		elapsed = (double)(now.tv_sec - start.tv_sec) * 1e9 +
			  (double)(now.tv_nsec - start.tv_nsec);
	} while (elapsed < ROUND_NS);
	return elapsed / count;
}

/* In turn, so that what else the machine does hits both alike. */
static void compare(const char *name, void (*ours)(size_t), size_t argument, const char *other_name,
		    void (*other)(size_t))
{
	double best = measure(ours, argument);
	double best_other = measure(other, argument);

	for (unsigned round = 1; round < ROUNDS; round++) {
		double mine = measure(ours, argument);
		double theirs = measure(other, argument);

		best = mine < best ? mine : best;
		best_other = theirs < best_other ? theirs : best_other;
	}
	printf("%-32s %9.0f   %-28s %9.0f   %5.2f\n", name, best, other_name, best_other,
	       best / best_other);
}

static void compare_symmetric(void)
{
	compare("AES-256 key schedule", schedule_ours, 32, "nettle", schedule_nettle);
	compare("AES-128-GCM, voice frame", gcm_ours, FRAME_LEN, "nettle", gcm_nettle);
	compare("AES-128-GCM, packet", gcm_ours, MESSAGE_LEN, "nettle", gcm_nettle);
	if (crypto_aead_aes256gcm_is_available()) {
		compare("AES-256-GCM, 120 bytes", gcm256_ours, TEXT_LEN, "libsodium",
			gcm256_sodium);
		compare("AES-256-GCM, packet", gcm256_ours, MESSAGE_LEN, "libsodium",
			gcm256_sodium);
	}
	compare("ChaCha20-Poly1305, voice frame", chacha_ours, FRAME_LEN, "nettle", chacha_nettle);
	compare("ChaCha20-Poly1305, packet", chacha_ours, MESSAGE_LEN, "nettle", chacha_nettle);
	compare("SHA-256, 120 bytes", sha256_ours, TEXT_LEN, "libsodium", sha256_sodium);
	compare("SHA-256, packet", sha256_ours, MESSAGE_LEN, "libsodium", sha256_sodium);
	compare("SHA-512, 120 bytes", sha512_ours, TEXT_LEN, "libsodium", sha512_sodium);
	compare("SHA-512, packet", sha512_ours, MESSAGE_LEN, "libsodium", sha512_sodium);
	compare("SHA3-256, packet", sha3_ours, MESSAGE_LEN, "nettle", sha3_nettle);
}

static void compare_classic(void)
{
	compare("X25519, public key", x25519_ours, 0, "libsodium", x25519_sodium);
	compare("Ed25519, sign", ed25519_sign_ours, TEXT_LEN, "libsodium, key expanded",
		ed25519_sign_sodium);
	compare("Ed25519, sign", ed25519_sign_ours, TEXT_LEN, "nettle, public key known",
		ed25519_sign_nettle);
	compare("Ed25519, verify", ed25519_verify_ours, TEXT_LEN, "nettle", ed25519_verify_nettle);
	compare("X25519, shared secret", x25519_shared_ours, 0, "nettle", x25519_shared_nettle);
	compare("HPKE X25519 AES-128-GCM, seal", hpke_ours, FRAME_LEN, "libsodium, two products",
		hpke_sodium);
	ok(sign_public(SIGN_ECDSA_P256_SHA256, BYTES(key, 32), public_key));
	compare("ECDSA P-256, sign", p256_sign_ours, MESSAGE_LEN, "nettle, mpz and all",
		p256_sign_nettle);
}

static void compare_postquantum(void)
{
	bool avx2 = mlkem_ops_avx2() != NULL;

	printf("ML-KEM on the left: %s\n",
	       avx2 ? "AVX2" : "portable too, this processor has no AVX2");
	compare("ML-KEM-768, key pair", keygen_avx2, MLKEM_768, "portable", keygen_portable);
	compare("ML-KEM-768, encapsulate", encaps_avx2, MLKEM_768, "portable", encaps_portable);
	compare("ML-KEM-768, decapsulate", decaps_avx2, MLKEM_768, "portable", decaps_portable);
	compare("X-Wing, key pair from a secret", generate_xwing, 0, "DHKEM X25519",
		generate_x25519);
	compare("X-Wing, encapsulate", encap_xwing, 0, "DHKEM X25519", encap_x25519);
	compare("X-Wing, decapsulate", decap_xwing, 0, "DHKEM X25519", decap_x25519);
}

int main(void)
{
	ok(crypto_init());
	printf("%-32s %9s   %-28s %9s   ratio\n", "ours", "ns", "beside", "ns");
	compare_symmetric();
	compare_classic();
	compare_postquantum();
	return 0;
}
