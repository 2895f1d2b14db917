/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Constant time, under valgrind: every operation runs with its secrets marked undefined, and memcheck then
 * reports each branch and each address that depends on one. The sources are built with SOTTO_CT_TEST, so
 * that what the standards publish is public again (crypto/ct.h). Two planted faults come first and must
 * be reported, or the test could see nothing.
 *
 * Not here: Argon2id, whose second half reads memory at addresses made of the password by design (RFC 9106 3.4).
 */
#include <string.h>
#include <valgrind/memcheck.h>

#include "base/assert.h"
#include "crypto/aead.h"
#include "crypto/aes.h"
#include "crypto/ctr.h"
#include "crypto/hash.h"
#include "crypto/hpke.h"
#include "crypto/init.h"
#include "crypto/kem.h"
#include "crypto/mlkem_internal.h"
#include "crypto/sign.h"

#define MESSAGE_LEN 75

static void mark_secret(void *memory, size_t len)
{
	VALGRIND_MAKE_MEM_UNDEFINED(memory, len);
}

static void mark_public(void *memory, size_t len)
{
	VALGRIND_MAKE_MEM_DEFINED(memory, len);
}

/* Whatever an operation gives out may be looked at here. */
static void expect_ok(enum sotto_err err)
{
	mark_public(&err, sizeof(err));
	ASSERT(err == SOTTO_OK);
}

static enum sotto_err fill_secret(void *context, uint8_t *out, size_t len)
{
	uint8_t *next = context;

	for (size_t i = 0; i < len; i++)
		out[i] = (*next)++;
	mark_secret(out, len);
	return SOTTO_OK;
}

static uint8_t random_next = 1;
static const struct random_source secret_random = {.fill = fill_secret, .context = &random_next};

static volatile uint8_t sink;

static void planted_branch(unsigned unused)
{
	volatile uint8_t secret = 5;

	(void)unused;
	mark_secret((void *)(uintptr_t)&secret, 1);
	if (secret == 5)
		sink = 1;
}

static void planted_load(unsigned unused)
{
	static const uint8_t table[256] = {1, 2, 3};
	volatile uint8_t secret = 5;

	(void)unused;
	mark_secret((void *)(uintptr_t)&secret, 1);
	sink = ((const volatile uint8_t *)table)[secret];
	sink = 0;
}

static void run_equal(unsigned unused)
{
	uint8_t a[32] = {1}, b[32] = {2};
	bool equal;

	(void)unused;
	mark_secret(a, sizeof(a));
	mark_secret(b, sizeof(b));
	equal = bytes_equal_ct(a, b, sizeof(a));
	mark_public(&equal, sizeof(equal));
	ASSERT(!equal);
}

static void run_hmac(unsigned alg)
{
	uint8_t key[200] = {1}, message[MESSAGE_LEN] = {2}, digest[HASH_LEN_MAX];

	mark_secret(key, sizeof(key));
	mark_secret(message, sizeof(message));
	hmac_digest((enum hash_alg)alg, BYTES(key, 32), BYTES_OF(message), digest);
	hmac_digest((enum hash_alg)alg, BYTES_OF(key), BYTES_OF(message), digest);
}

static void run_hkdf(unsigned alg)
{
	uint8_t ikm[32] = {1}, out[3 * HASH_LEN_MAX];
	struct secret prk;

	mark_secret(ikm, sizeof(ikm));
	hkdf_extract((enum hash_alg)alg, BYTES_TEXT("salt"), BYTES_OF(ikm), &prk);
	hkdf_expand((enum hash_alg)alg, secret_bytes(&prk), BYTES_TEXT("info"), out, sizeof(out));
}

static void run_aead(unsigned number)
{
	enum aead_alg alg = (enum aead_alg)number;
	uint8_t key_data[AEAD_KEY_LEN_MAX] = {1}, nonce_data[AEAD_NONCE_LEN_MAX] = {2};
	uint8_t plaintext[MESSAGE_LEN] = {3}, sealed[MESSAGE_LEN + AEAD_TAG_LEN];
	struct bytes key = BYTES(key_data, aead_key_len(alg));
	struct bytes nonce = BYTES(nonce_data, aead_nonce_len(alg));

	mark_secret(key_data, sizeof(key_data));
	mark_secret(plaintext, sizeof(plaintext));
	aead_seal(alg, key, nonce, BYTES_TEXT("aad"), BYTES_OF(plaintext), sealed);
	mark_public(sealed, sizeof(sealed)); /* it goes over the network */
	expect_ok(aead_open(alg, key, nonce, BYTES_TEXT("aad"), BYTES_OF(sealed), plaintext));
	sealed[0] ^= 1;
	ASSERT(aead_open(alg, key, nonce, BYTES_TEXT("aad"), BYTES_OF(sealed), plaintext) ==
	       SOTTO_ERR_VERIFY);
}

/* The S-box of CPUs without AES instructions, which the other operations here do not reach. */
static void run_sub_word(unsigned unused)
{
	uint32_t word = 0x01234567;

	(void)unused;
	mark_secret(&word, sizeof(word));
	sink = (uint8_t)aes_sub_word(word);
}

static void run_ctr(unsigned key_len)
{
	uint8_t key[32] = {1}, counter[CTR_BLOCK_LEN] = {2}, message[MESSAGE_LEN] = {3};

	mark_secret(key, sizeof(key));
	mark_secret(message, sizeof(message));
	ctr_xor(BYTES(key, key_len), BYTES_OF(counter), BYTES_OF(message), message);
}

static void run_kem(unsigned number)
{
	enum kem_alg alg = (enum kem_alg)number;
	uint8_t public_key[KEM_PUBLIC_LEN_MAX], enc[KEM_ENC_LEN_MAX];
	struct secret private_key, sent, received;

	expect_ok(kem_generate(alg, &secret_random, &private_key, public_key));
	expect_ok(
		kem_encap(alg, &secret_random, BYTES(public_key, kem_public_len(alg)), enc, &sent));
	expect_ok(kem_decap(alg, secret_bytes(&private_key), BYTES(enc, kem_enc_len(alg)),
			    &received));
	mark_public(&sent, sizeof(sent));
	mark_public(&received, sizeof(received));
	ASSERT(secret_equal(&sent, &received));
	if (alg < KEM_MLKEM512)
		return;
	enc[0] ^= 1; /* an altered ciphertext, of which nobody may learn that it was rejected */
	expect_ok(kem_decap(alg, secret_bytes(&private_key), BYTES(enc, kem_enc_len(alg)),
			    &received));
	mark_public(&received, sizeof(received));
	ASSERT(!secret_equal(&sent, &received));
}

/* By the inner loops that are not this processor's choice too. */
#define BY_PORTABLE 0
#define BY_AVX2	    4

static void run_mlkem(unsigned argument)
{
	const struct mlkem_ops *ops = argument >= BY_AVX2 ? mlkem_ops_avx2() : &mlkem_portable;
	enum mlkem_set set = (enum mlkem_set)(argument % BY_AVX2);
	uint8_t ek[MLKEM_EK_LEN_MAX], dk[MLKEM_DK_LEN_MAX], ciphertext[MLKEM_CIPHERTEXT_LEN_MAX];
	uint8_t d[MLKEM_RANDOM_LEN] = {1}, z[MLKEM_RANDOM_LEN] = {2}, m[MLKEM_RANDOM_LEN] = {3};
	uint8_t sent[MLKEM_SHARED_LEN], received[MLKEM_SHARED_LEN];
	struct bytes sealed = BYTES(ciphertext, mlkem_ciphertext_len(set));

	mark_secret(d, sizeof(d));
	mark_secret(z, sizeof(z));
	mark_secret(m, sizeof(m));
	mlkem_keygen_by(ops, set, d, z, ek, dk);
	expect_ok(mlkem_encaps_by(ops, set, BYTES(ek, mlkem_ek_len(set)), m, ciphertext, sent));
	expect_ok(mlkem_decaps_by(ops, set, BYTES(dk, mlkem_dk_len(set)), sealed, received));
	mark_public(sent, sizeof(sent));
	mark_public(received, sizeof(received));
	ASSERT(bytes_equal(BYTES_OF(sent), BYTES_OF(received)));
	ciphertext[0] ^= 1;
	expect_ok(mlkem_decaps_by(ops, set, BYTES(dk, mlkem_dk_len(set)), sealed, received));
	mark_public(received, sizeof(received));
	ASSERT(!bytes_equal(BYTES_OF(sent), BYTES_OF(received)));
}

static void run_sign(unsigned number)
{
	enum sign_alg alg = (enum sign_alg)number;
	uint8_t public_key[SIGN_PUBLIC_LEN_MAX], signature[SIGN_SIGNATURE_LEN_MAX];
	struct secret private_key;
	size_t len;

	expect_ok(sign_generate(alg, &secret_random, &private_key, public_key));
	expect_ok(sign_create(alg, &secret_random, secret_bytes(&private_key),
			      BYTES_TEXT("message"), signature, &len));
	mark_public(signature, sizeof(signature)); /* that is what a signature is for */
	expect_ok(sign_verify(alg, BYTES(public_key, sign_public_len(alg)), BYTES_TEXT("message"),
			      BYTES(signature, len)));
	expect_ok(sign_expand(alg, &private_key));
	expect_ok(sign_create(alg, &secret_random, secret_bytes(&private_key),
			      BYTES_TEXT("message"), signature, &len));
}

static void run_hpke_suite(struct hpke_suite suite)
{
	uint8_t public_key[KEM_PUBLIC_LEN_MAX], enc[KEM_ENC_LEN_MAX];
	uint8_t plaintext[MESSAGE_LEN] = {1}, sealed[MESSAGE_LEN + AEAD_TAG_LEN];
	struct secret private_key;

	expect_ok(kem_generate(suite.kem, &secret_random, &private_key, public_key));
	mark_secret(plaintext, sizeof(plaintext));
	expect_ok(hpke_seal_once(suite, &secret_random,
				 BYTES(public_key, kem_public_len(suite.kem)), BYTES_TEXT("info"),
				 BYTES_TEXT("aad"), BYTES_OF(plaintext), enc, sealed));
	mark_public(sealed, sizeof(sealed)); /* it goes over the network */
	expect_ok(hpke_open_once(suite, secret_bytes(&private_key),
				 BYTES(enc, kem_enc_len(suite.kem)), BYTES_TEXT("info"),
				 BYTES_TEXT("aad"), BYTES_OF(sealed), plaintext));
}

static void run_hpke(unsigned aead)
{
	run_hpke_suite((struct hpke_suite){KEM_X25519_SHA256, HASH_SHA256, (enum aead_alg)aead});
}

static void run_hpke_xwing(unsigned aead)
{
	run_hpke_suite((struct hpke_suite){KEM_XWING, HASH_SHA384, (enum aead_alg)aead});
}

/* What a processor must have for an operation to be run, or to be constant time. */
enum need {
	NOTHING,
	AES,
	AVX2,
};

static const struct {
	const char *name;
	void (*run)(unsigned argument);
	unsigned argument;
	enum need need;
} operations[] = {
	{"planted branch", planted_branch, 0, NOTHING},
	{"planted load", planted_load, 0, NOTHING},
	{"bytes_equal_ct", run_equal, 0, NOTHING},
	{"HMAC-SHA-256", run_hmac, HASH_SHA256, NOTHING},
	{"HMAC-SHA-384", run_hmac, HASH_SHA384, NOTHING},
	{"HMAC-SHA-512", run_hmac, HASH_SHA512, NOTHING},
	{"HKDF-SHA-256", run_hkdf, HASH_SHA256, NOTHING},
	{"HKDF-SHA-384", run_hkdf, HASH_SHA384, NOTHING},
	{"HKDF-SHA-512", run_hkdf, HASH_SHA512, NOTHING},
	{"AES-128-GCM", run_aead, AEAD_AES128GCM, AES},
	{"AES-256-GCM", run_aead, AEAD_AES256GCM, AES},
	{"ChaCha20-Poly1305", run_aead, AEAD_CHACHA20POLY1305, NOTHING},
	{"XChaCha20-Poly1305", run_aead, AEAD_XCHACHA20POLY1305, NOTHING},
	{"AES key schedule without instructions", run_sub_word, 0, NOTHING},
	{"AES-128-CTR", run_ctr, 16, AES},
	{"AES-256-CTR", run_ctr, 32, AES},
	{"DHKEM P-256", run_kem, KEM_P256_SHA256, NOTHING},
	{"DHKEM P-384", run_kem, KEM_P384_SHA384, NOTHING},
	{"DHKEM P-521", run_kem, KEM_P521_SHA512, NOTHING},
	{"DHKEM X25519", run_kem, KEM_X25519_SHA256, NOTHING},
	{"DHKEM X448", run_kem, KEM_X448_SHA512, NOTHING},
	{"ML-KEM-512, portable", run_mlkem, MLKEM_512 + BY_PORTABLE, NOTHING},
	{"ML-KEM-768, portable", run_mlkem, MLKEM_768 + BY_PORTABLE, NOTHING},
	{"ML-KEM-1024, portable", run_mlkem, MLKEM_1024 + BY_PORTABLE, NOTHING},
	{"ML-KEM-512, AVX2", run_mlkem, MLKEM_512 + BY_AVX2, AVX2},
	{"ML-KEM-768, AVX2", run_mlkem, MLKEM_768 + BY_AVX2, AVX2},
	{"ML-KEM-1024, AVX2", run_mlkem, MLKEM_1024 + BY_AVX2, AVX2},
	{"KEM of ML-KEM-512", run_kem, KEM_MLKEM512, NOTHING},
	{"KEM of ML-KEM-768", run_kem, KEM_MLKEM768, NOTHING},
	{"KEM of ML-KEM-1024", run_kem, KEM_MLKEM1024, NOTHING},
	{"X-Wing", run_kem, KEM_XWING, NOTHING},
	{"ECDSA P-256", run_sign, SIGN_ECDSA_P256_SHA256, NOTHING},
	{"ECDSA P-384", run_sign, SIGN_ECDSA_P384_SHA384, NOTHING},
	{"ECDSA P-521", run_sign, SIGN_ECDSA_P521_SHA512, NOTHING},
	{"Ed25519", run_sign, SIGN_ED25519, NOTHING},
	{"Ed448", run_sign, SIGN_ED448, NOTHING},
	{"HPKE with AES-128-GCM", run_hpke, AEAD_AES128GCM, AES},
	{"HPKE with ChaCha20-Poly1305", run_hpke, AEAD_CHACHA20POLY1305, NOTHING},
	{"HPKE with X-Wing and AES-256-GCM", run_hpke_xwing, AEAD_AES256GCM, AES},
};

/* NULL, or what is missing. */
static const char *missing(enum need need)
{
	if (need == AES && !crypto_aes_is_constant_time())
		return " # SKIP no AES instructions";
	if (need == AVX2 && mlkem_ops_avx2() == NULL)
		return " # SKIP no AVX2";
	return NULL;
}

int main(void)
{
	expect_ok(crypto_init());
	for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
		const char *skip = missing(operations[i].need);

		/* Into the stream of reports: those that follow are this operation's. */
		VALGRIND_PRINTF("%s%s", operations[i].name, skip != NULL ? skip : "");
		if (skip == NULL)
			operations[i].run(operations[i].argument);
	}
	return 0;
}
