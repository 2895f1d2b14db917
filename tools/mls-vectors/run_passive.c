/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passive-client: join by a welcome, follow proposals and commits, compare the epoch authenticator.
 * Newcomers may commit and propose themselves. A case that the library says it does not support is
 * skipped.
 */
#include "case.h"

#include "mls/group.h"

/* The case's own external PSKs. */
static enum sotto_err find_psk(void *context, struct bytes id, struct bytes *psk)
{
	struct vector_case *vector = context;
	const json_t *entry;
	size_t index;

	json_array_foreach(json_object_get(vector->json, "external_psks"), index, entry)
	{
		if (bytes_equal(get_hex(vector, entry, "psk_id"), id)) {
			*psk = get_hex(vector, entry, "psk");
			return SOTTO_OK;
		}
	}
	return SOTTO_ERR_NOT_FOUND;
}

static enum verdict authenticator_is(struct vector_case *vector, const struct mls_group *group,
				     const json_t *object, const char *name)
{
	uint8_t authenticator[MLS_HASH_LEN_MAX];

	mls_group_epoch_authenticator(group, authenticator);
	CHECK_HEX(object, name, authenticator, suite_hash_len(group->suite));
	return PASSED;
}

static enum sotto_err follow(struct mls_group *group, struct bytes message)
{
	struct mls_staged *staged = NULL;
	enum sotto_err err = mls_group_receive(group, message, &staged);

	if (err == SOTTO_OK)
		err = mls_group_merge(group, &staged);
	mls_staged_destroy(staged);
	return err;
}

static enum verdict follow_epoch(struct vector_case *vector, struct mls_group *group,
				 const json_t *epoch)
{
	const json_t *proposal;
	enum sotto_err err;
	size_t index;

	json_array_foreach(get_array(vector, epoch, "proposals"), index, proposal)
	{
		err = follow(group, decode_hex(vector, proposal));
		if (err == SOTTO_ERR_UNSUPPORTED)
			return skip_case(vector, "a proposal needs what the library does not have");
		if (err != SOTTO_OK)
			return fail_case(vector, "a proposal was refused");
	}
	err = follow(group, get_hex(vector, epoch, "commit"));
	if (err == SOTTO_ERR_UNSUPPORTED)
		return skip_case(vector, "a commit needs what the library does not have");
	CHECK(err == SOTTO_OK);
	return authenticator_is(vector, group, epoch, "epoch_authenticator");
}

static enum verdict follow_all(struct vector_case *vector, struct mls_group *group)
{
	enum verdict verdict =
		authenticator_is(vector, group, vector->json, "initial_epoch_authenticator");
	const json_t *epoch;
	size_t index;

	json_array_foreach(get_array(vector, vector->json, "epochs"), index, epoch)
	{
		if (verdict == PASSED)
			verdict = follow_epoch(vector, group, epoch);
	}
	return verdict;
}

enum verdict run_passive(struct vector_case *vector)
{
	const struct suite *suite = get_suite(vector);
	struct mls_psk_source source = {.find = find_psk, .context = vector};
	struct mls_key_package_secrets secrets;
	struct mls_join_options options = {0};
	struct mls_group *group = NULL;
	struct secret signature_key;
	struct mls_identity identity;
	size_t kem_len;
	enum verdict verdict;
	enum sotto_err err;

	CHECK(suite != NULL);
	kem_len = kem_private_len(suite->hpke.kem);
	secrets.init_key = get_private(vector, vector->json, "init_priv", kem_len);
	secrets.leaf_key = get_private(vector, vector->json, "encryption_priv", kem_len);
	signature_key =
		get_private(vector, vector->json, "signature_priv", sign_private_len(suite->sign));
	CHECK(mls_identity_from_private(suite->id, secret_bytes(&signature_key), &identity) ==
	      SOTTO_OK);
	vector->config.psks = &source;
	options.welcome = get_hex(vector, vector->json, "welcome");
	options.key_package = get_hex(vector, vector->json, "key_package");
	options.secrets = &secrets;
	options.identity = &identity;
	if (!is_null(vector->json, "ratchet_tree"))
		options.tree = get_hex(vector, vector->json, "ratchet_tree");
	err = mls_group_join(&vector->config, &options, &group);
	if (err == SOTTO_ERR_UNSUPPORTED)
		return skip_case(vector, "the welcome needs what the library does not have");
	CHECK(err == SOTTO_OK);
	verdict = follow_all(vector, group);
	mls_group_destroy(group);
	return verdict;
}
