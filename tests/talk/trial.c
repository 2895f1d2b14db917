/* SPDX-License-Identifier: Apache-2.0 */
/* Parcels and what is in them, made with the founder's keys. */
#include "tests/talk/trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/sign.h"
#include "tests/talk/steps.h"

void trial_entry_set(struct trial *trial, size_t at, struct bytes entry)
{
	assert_true(at < TRIAL_ENTRIES_MAX);
	memcpy(trial->entries[at], entry.data, entry.len);
	trial->entry_lens[at] = entry.len;
}

void trial_reset(struct trial *trial)
{
	const struct ledger *ledger = trial->founder->ledger;
	struct trial_plan *plan = &trial->plan;

	*plan = (struct trial_plan){.context = {.version = TALK_VERSION, .kind = TALK_EVERYONE},
				    .founder_says = BYTES(trial->founder->identity.public_key, 32),
				    .with_member = true,
				    .with_joiner = true};
	memcpy(plan->id, ledger_network(ledger), LEDGER_HASH_LEN);
	plan->context.ledger_length = TRIAL_FIRST_OWN;
	memcpy(plan->context.ledger_head, ledger_head(ledger, TRIAL_FIRST_OWN), LEDGER_HASH_LEN);
	plan->agreed = plan->context;
	trial->version = TALK_VERSION;
	memcpy(trial->access, trial->founder->access, sizeof(trial->access));
	trial->access_count = trial->founder->access_count;
	trial->entry_count = TRIAL_FIRST_OWN;
	for (size_t i = 0; i < TRIAL_FIRST_OWN; i++)
		trial_entry_set(trial, i, ledger_entry_bytes(ledger, i));
	assert_int_equal(wire_decode(&ledger_invitation_type, talk_blob_bytes(&trial->card_kept),
				     &trial->card),
			 SOTTO_OK);
	trial->made_ms = trial->utc_ms = trial->stated_ms;
	trial->welcome_cut = trial->welcome_flip = 0;
}

struct trial *trial_begin(uint64_t seed)
{
	struct trial *trial = calloc(1, sizeof(*trial));
	struct world *world = world_create(seed);
	struct ledger_entry entry;

	assert_non_null(trial);
	trial->world = world;
	world_members(world, 2, false);
	world_run(world, TRIAL_CLOCK_MS / 1000 + 60);
	world_invite(world, 2);
	world_join(world, 2);
	trial->founder = world_phone(world, 0)->talk;
	trial->member = world_phone(world, 1)->talk;
	trial->joiner = world_phone(world, 2)->talk;
	while (ledger_length(trial->founder->ledger) < TRIAL_FIRST_OWN)
		world_run_ms(world, 1);
	world_link(world, 2, false);
	world_run(world, 20);
	assert_int_equal(ledger_length(trial->founder->ledger), TRIAL_FIRST_OWN);
	assert_int_equal(state_of(world, 2), TALK_JOINING);
	assert_int_equal(
		ledger_entry_decode(ledger_entry_bytes(trial->founder->ledger, TRIAL_OWN), &entry),
		SOTTO_OK);
	trial->stated_ms = entry.act.stated_ms;
	assert_int_equal(talk_blob_set(trial->joiner, &trial->card_kept,
				       talk_blob_bytes(&trial->joiner->invitation)),
			 SOTTO_OK);
	trial_reset(trial);
	return trial;
}

void trial_end(struct trial *trial)
{
	talk_blob_clear(trial->joiner, &trial->card_kept);
	world_destroy(trial->world);
	free(trial);
}

/* A device that nobody has enrolled. */
static void stranger_make(const struct mls_config *config, uint16_t suite,
			  struct mls_buffer *package)
{
	static const uint16_t extensions[] = {TALK_CONTEXT_EXTENSION};
	struct mls_key_package_secrets secrets = {0};
	struct mls_identity identity;
	struct mls_leaf_options leaf = {
		.identity = &identity,
		.extension_types = extensions,
		.extension_type_count = 1,
		.lifetime = {.not_before = 1, .not_after = TALK_LIFETIME_S},
	};

	assert_int_equal(mls_identity_generate(config, suite, &identity), SOTTO_OK);
	leaf.credential = (struct mls_credential){.type = MLS_CREDENTIAL_BASIC,
						  .content = BYTES(identity.public_key, 32)};
	assert_int_equal(mls_key_package_create(config, &leaf, NULL, 0, package, &secrets),
			 SOTTO_OK);
	mls_key_package_secrets_wipe(&secrets);
	secret_wipe(&identity.private_key);
}

static void welcome_make(struct trial *trial, struct mls_buffer *welcome)
{
	const struct trial_plan *plan = &trial->plan;
	struct talk *founder = trial->founder;
	struct mls_config config = founder->mls;
	struct mls_extension extension = {.type = TALK_CONTEXT_EXTENSION};
	struct mls_buffer stranger = {0}, commit = {0};
	struct mls_commit_options options = {.path = true};
	struct talk_blob context = {0}, agreed = {0};
	struct bytes psk;
	struct mls_leaf_options leaf;
	struct mls_group *group;
	struct bytes adds[3];

	config.reserve_before_send = false;
	assert_int_equal(talk_encode(founder, &talk_context_type, &plan->context, &context),
			 SOTTO_OK);
	extension.data = talk_blob_bytes(&context);
	talk_leaf_options(founder, &leaf);
	leaf.credential.content = plan->founder_says;
	assert_int_equal(mls_group_create(&config, BYTES_OF(plan->id), &leaf, &extension,
					  plan->no_context ? 0 : 1, &group),
			 SOTTO_OK);
	if (plan->with_member)
		adds[options.add_count++] = talk_blob_bytes(
			&talk_package_of(founder, trial->member->identity.public_key)->message);
	if (plan->with_joiner)
		adds[options.add_count++] = talk_blob_bytes(
			&talk_package_of(trial->joiner, trial->joiner->identity.public_key)
				 ->message);
	if (plan->with_stranger) {
		stranger_make(&config, founder->suite, &stranger);
		adds[options.add_count++] = mls_buffer_bytes(&stranger);
	}
	options.add = adds;
	if (plan->by_psk) {
		assert_int_equal(talk_encode(founder, &talk_context_type, &plan->agreed, &agreed),
				 SOTTO_OK);
		psk = talk_blob_bytes(&agreed);
		options.psks = &psk;
		options.psk_count = 1;
		options.path = false;
	}
	assert_int_equal(mls_group_commit(group, &options, &commit, welcome), SOTTO_OK);
	mls_group_destroy(group);
	mls_buffer_release(&commit);
	mls_buffer_release(&stranger);
	talk_blob_clear(founder, &agreed);
	talk_blob_clear(founder, &context);
}

void trial_parcel_make(struct trial *trial, struct talk_blob *encoded)
{
	struct talk_entry entries[TRIAL_ENTRIES_MAX];
	struct mls_buffer welcome = {0};
	struct talk_parcel parcel = {
		.version = trial->version,
		.access = {.items = trial->access, .count = trial->access_count},
	};
	struct talk_contents contents = {
		.version = TALK_VERSION,
		.entries = {.items = entries, .count = trial->entry_count},
	};
	struct talk_blob inner = {0};

	welcome_make(trial, &welcome);
	if (trial->welcome_flip != 0)
		welcome.data[welcome.len - trial->welcome_flip] ^= 1;
	parcel.welcome = BYTES(welcome.data, welcome.len - trial->welcome_cut);
	for (size_t i = 0; i < trial->entry_count; i++)
		entries[i].entry = BYTES(trial->entries[i], trial->entry_lens[i]);
	/* Here the tree is in the Welcome. */
	assert_int_equal(talk_encode(trial->joiner, &talk_contents_type, &contents, &inner),
			 SOTTO_OK);
	parcel.contents = talk_blob_bytes(&inner);
	assert_int_equal(talk_encode(trial->joiner, &talk_parcel_type, &parcel, encoded), SOTTO_OK);
	talk_blob_clear(trial->joiner, &inner);
	mls_buffer_release(&welcome);
}

enum sotto_err trial_try(struct trial *trial)
{
	struct talk *joiner = trial->joiner;
	struct talk_blob card = {0}, encoded = {0};
	struct talk_contents contents;
	struct talk_parcel parcel;
	enum sotto_err err;

	trial_parcel_make(trial, &encoded);
	assert_int_equal(wire_decode(&talk_parcel_type, talk_blob_bytes(&encoded), &parcel),
			 SOTTO_OK);
	assert_int_equal(talk_encode(joiner, &ledger_invitation_type, &trial->card, &card),
			 SOTTO_OK);
	talk_blob_clear(joiner, &joiner->invitation);
	joiner->invitation = card;
	talk_package_of(joiner, joiner->identity.public_key)->made_ms = trial->made_ms;
	joiner->utc_ms = trial->utc_ms;
	assert_int_equal(wire_decode(&talk_contents_type, parcel.contents, &contents), SOTTO_OK);
	err = talk_join_parcel(joiner, &parcel, &contents);
	talk_blob_clear(joiner, &encoded);
	return err;
}

/* Behind those that there are. */
static void entry_add(struct trial *trial, uint8_t action, const union ledger_body *body,
		      uint64_t stated_ms)
{
	const struct secret *key = &trial->founder->identity.private_key;
	uint8_t id[LEDGER_ID_LEN] = {0};
	struct ledger_draft draft;
	struct ledger *ledger;
	struct writer writer;

	assert_int_equal(ledger_create(&allocator_default, &ledger), SOTTO_OK);
	for (size_t i = 0; i < trial->entry_count; i++)
		assert_int_equal(
			ledger_append(ledger, BYTES(trial->entries[i], trial->entry_lens[i])),
			SOTTO_OK);
	id[0] = (uint8_t)(0x80 + trial->entry_count);
	assert_int_equal(
		ledger_draft_init(&draft, ledger_network(ledger), action, id, ledger_length(ledger),
				  ledger_head(ledger, ledger_length(ledger)), stated_ms, body),
		SOTTO_OK);
	assert_int_equal(ledger_draft_sign(&draft, secret_bytes(key)), SOTTO_OK);
	writer_init_fixed(&writer, trial->entries[trial->entry_count], LEDGER_ENTRY_LEN_MAX);
	assert_int_equal(ledger_draft_encode(&draft, &writer), SOTTO_OK);
	trial->entry_lens[trial->entry_count++] = writer.len;
	ledger_destroy(ledger);
}

void trial_add_revoke(struct trial *trial, const struct talk *who)
{
	union ledger_body body = {0};

	memcpy(body.subject.device_key, who->identity.public_key, LEDGER_KEY_LEN);
	entry_add(trial, LEDGER_REVOKE, &body, trial->stated_ms);
}

void trial_add_enrol(struct trial *trial, uint64_t stated_ms)
{
	static const uint8_t invitation[LEDGER_PRIVATE_LEN] = {1}, device[LEDGER_PRIVATE_LEN] = {2};
	union ledger_body body = {.authorise = {.extension = 107,
						.name = BYTES_TEXT("Dee"),
						.expires_ms = trial->stated_ms + TRIAL_CLOCK_MS,
						.devices = 1}};

	assert_int_equal(
		sign_public(SIGN_ED25519, BYTES_OF(invitation), body.authorise.invitation_key),
		SOTTO_OK);
	entry_add(trial, LEDGER_AUTHORISE, &body, stated_ms);
	body.enrol = (struct ledger_enrol){.inbox_read = {9}};
	assert_int_equal(ledger_enrol_sign(ledger_network(trial->founder->ledger),
					   BYTES_OF(invitation), BYTES_OF(device), &body.enrol),
			 SOTTO_OK);
	entry_add(trial, LEDGER_ENROL, &body, stated_ms);
}
