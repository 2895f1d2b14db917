/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Founding: keys, the first entry, *everyone* with one member, access key 1 out of its exporter; then the
 * relay is told, on its claim.
 */
#include <string.h>

#include "crypto/sign.h"
#include "talk/access.h"
#include "talk/state.h"

enum sotto_err talk_identity_make(struct talk *talk)
{
	enum sotto_err err = SOTTO_OK;

	TRY(mls_identity_generate(&talk->mls, talk->suite, &talk->identity));
	FAIL_IF(talk->identity.public_len != LEDGER_KEY_LEN, SOTTO_ERR_UNSUPPORTED);
	TRY(random_fill(talk->random, talk->inbox_read, sizeof(talk->inbox_read)));
	TRY(random_fill(talk->random, talk->rotation_seed, sizeof(talk->rotation_seed)));
	TRY(random_fill(talk->random, talk->landing_append, sizeof(talk->landing_append)));
out:
	return err;
}

enum sotto_err talk_draft_keep(const struct talk *talk, const struct ledger_draft *draft,
			       struct talk_blob *entry)
{
	struct writer writer;
	enum sotto_err err = SOTTO_OK;

	writer_init_growing(&writer, talk->allocator);
	TRY(ledger_draft_encode(draft, &writer));
	TRY(talk_blob_set(talk, entry, writer_bytes(&writer)));
out:
	writer_release(&writer);
	return err;
}

/* An entry by this device alone, on the present head. */
enum sotto_err talk_entry_make(struct talk *talk, uint8_t action, const union ledger_body *body,
			       struct talk_blob *entry)
{
	uint64_t length = ledger_length(talk->ledger);
	bool found = action == LEDGER_FOUND;
	struct ledger_draft *draft = talk_take(talk, sizeof(*draft));
	uint8_t id[LEDGER_ID_LEN];
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(draft == NULL, SOTTO_ERR_NO_MEMORY);
	TRY(random_fill(talk->random, id, sizeof(id)));
	TRY(ledger_draft_init(draft, found ? NULL : ledger_network(talk->ledger), action, id,
			      length, found ? NULL : ledger_head(talk->ledger, length),
			      talk->utc_ms, body));
	TRY(ledger_draft_sign(draft, secret_bytes(&talk->identity.private_key)));
	err = talk_draft_keep(talk, draft, entry);
out:
	talk_give(talk, draft, sizeof(*draft));
	return err;
}

static enum sotto_err everyone_create(struct talk *talk)
{
	struct talk_blob context = {0};
	struct mls_extension extension = {.type = TALK_CONTEXT_EXTENSION};
	struct mls_leaf_options options;
	struct mls_group *mls = NULL;
	enum sotto_err err = SOTTO_OK;

	TRY(talk_context_encode(talk, TALK_EVERYONE, BYTES_NONE, &context));
	extension.data = talk_blob_bytes(&context);
	talk_leaf_options(talk, &options);
	TRY(mls_group_create(&talk->mls, BYTES(ledger_network(talk->ledger), LEDGER_HASH_LEN),
			     &options, &extension, 1, &mls));
	TRY(talk_access_next(talk, mls));
	TRY(talk_group_put(talk, mls, TALK_EVERYONE, UINT32_MAX, &talk->everyone));
	mls = NULL;
out:
	mls_group_destroy(mls);
	talk_blob_clear(talk, &context);
	return err;
}

/* The inbox and the porch that a member reads. */
void talk_member_drops(struct talk *talk)
{
	const struct ledger_device *own =
		ledger_device_by_key(talk->ledger, talk->identity.public_key);
	uint8_t read_hash[WIRE_HASH_LEN];

	wire_read_token_hash(talk->inbox_read, read_hash);
	talk_inbox_of(talk_access_first(talk), own->key, read_hash, &talk->inbox);
	memcpy(talk->inbox.read_token, talk->inbox_read, WIRE_TOKEN_LEN);
	talk_porch_drop(talk_access_first(talk), &talk->porch);
}

static enum sotto_err network_found(struct talk *talk, const struct talk_found *found)
{
	union ledger_body body = {.found = {.network_name = found->network_name,
					    .digits = found->digits,
					    .relay_address = found->relay_address,
					    .name = found->name}};
	struct talk_package *package;
	struct talk_blob entry = {0};
	uint32_t extension = 1;
	enum sotto_err err = SOTTO_OK;

	for (uint8_t i = 1; i < found->digits; i++)
		extension *= 10;
	body.found.extension = extension;
	TRY(talk_identity_make(talk));
	TRY(random_fill(talk->random, body.found.nonce, sizeof(body.found.nonce)));
	memcpy(body.found.relay_key, found->relay_key, LEDGER_KEY_LEN);
	memcpy(body.found.device_key, talk->identity.public_key, LEDGER_KEY_LEN);
	TRY(sign_public(SIGN_ED25519, BYTES_OF(talk->rotation_seed), body.found.rotation));
	wire_read_token_hash(talk->inbox_read, body.found.inbox_read);
	TRY(talk_entry_make(talk, LEDGER_FOUND, &body, &entry));
	TRY(ledger_append(talk->ledger, talk_blob_bytes(&entry)));
	TRY(everyone_create(talk));
	TRY(talk_package_make(talk, &package));
	talk_member_drops(talk);
	memcpy(talk->claim, found->claim, sizeof(talk->claim));
	talk->state = TALK_FOUNDING;
	talk->dirty = true;
	talk_problem_set(talk, TALK_PROBLEM_ONE_PERSON, true);
	TRY(talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_STATE}));
	TRY(talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_LINK}));
	TRY(talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_MEMBERS}));
out:
	talk_blob_clear(talk, &entry);
	return err;
}

/* The founding that is under way, whatever its claim. */
static bool is_same(const struct talk *talk, const struct talk_found *found)
{
	const struct ledger_found *founding = ledger_founding(talk->ledger);

	return talk->state == TALK_FOUNDING &&
	       bytes_equal(founding->network_name, found->network_name) &&
	       bytes_equal(founding->name, found->name) && founding->digits == found->digits &&
	       bytes_equal(founding->relay_address, found->relay_address) &&
	       memcmp(founding->relay_key, found->relay_key, LEDGER_KEY_LEN) == 0;
}

/* It goes on; the claim was perhaps not read right before. */
static enum sotto_err claim_set(struct talk *talk, const uint8_t *claim)
{
	enum sotto_err err = SOTTO_OK;

	if (memcmp(talk->claim, claim, sizeof(talk->claim)) == 0)
		return SOTTO_OK;
	TRY(talk_unlink(talk));
	memcpy(talk->claim, claim, sizeof(talk->claim));
	talk->dirty = true;
	TRY(talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_LINK}));
out:
	return err;
}

enum sotto_err talk_found(struct talk *talk, const struct talk_found *found, uint64_t now_ns,
			  uint64_t utc_ms)
{
	enum sotto_err err = SOTTO_OK;

	if (talk->state >= TALK_MEMBER)
		return SOTTO_ERR_STATE;
	if (!ledger_name_valid(found->network_name) || !ledger_name_valid(found->name) ||
	    !ledger_address_valid(found->relay_address) || found->digits < LEDGER_DIGITS_MIN ||
	    found->digits > LEDGER_DIGITS_MAX ||
	    sign_check_public(SIGN_ED25519, BYTES_OF(found->relay_key)) != SOTTO_OK)
		return SOTTO_ERR_INVALID;
	TRY(talk_step_begin(talk, now_ns, utc_ms));
	if (is_same(talk, found)) {
		err = claim_set(talk, found->claim);
		goto out;
	}
	if (talk->state != TALK_EMPTY)
		TRY(talk_forget(talk));
	err = network_found(talk, found);
out:
	return talk_step_end(talk, err);
}

/* On a link by the claim: here is the network. */
enum sotto_err talk_found_work(struct talk *talk)
{
	struct wire_found request = {.threshold = 1};
	struct wire_admin_key admin;
	struct talk_asked *asked;
	enum sotto_err err = SOTTO_OK;

	if (talk->authority != WIRE_AUTHORITY_CLAIM || talk->asked_found)
		return SOTTO_OK;
	memcpy(request.network, ledger_network(talk->ledger), WIRE_HASH_LEN);
	TRY(sign_public(SIGN_ED25519, BYTES_OF(talk->rotation_seed), admin.key));
	request.admins.items = &admin;
	request.admins.count = 1;
	talk_derive(&talk->access[0], "sotto access key 1", BYTES_NONE, request.access_key);
	talk_derive(&talk->access[0], "sotto porch key 1", BYTES_NONE, request.porch_key);
	memcpy(request.porch_drop, talk->porch.name, WIRE_HASH_LEN);
	TRY(talk_ask(talk, TALK_ASK_FOUND, &wire_found_type, &request, &asked));
	talk->asked_found = true;
out:
	bytes_wipe(&request, sizeof(request));
	return err == SOTTO_ERR_AGAIN ? SOTTO_OK : err;
}

/* The relay has the network: it said so, or a link by the access key is up. */
enum sotto_err talk_found_done(struct talk *talk)
{
	enum sotto_err err = SOTTO_OK;

	bytes_wipe(talk->claim, sizeof(talk->claim));
	talk->state = TALK_MEMBER;
	talk->dirty = true;
	TRY(talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_STATE}));
	TRY(talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_LINK}));
out:
	return err;
}
