/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The joiner's checks, one by one: a parcel, a Welcome or a card that is right but for one thing is refused,
 * and changes nothing. The Welcomes are made here, with the founder's keys: who holds these can make them
 * all. Afterwards the same phone takes the parcel that is right in everything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/talk/steps.h"
#include "tests/talk/trial.h"

static void assert_unchanged(const struct trial *trial)
{
	const struct talk *joiner = trial->joiner;

	assert_int_equal(joiner->state, TALK_JOINING);
	assert_int_equal(joiner->broken, SOTTO_OK);
	assert_int_equal(ledger_length(joiner->ledger), 0);
	assert_true(list_empty(&joiner->groups));
	assert_null(joiner->everyone);
	assert_int_equal(joiner->access_count, 0);
	assert_int_equal(joiner->batch.len, 0);
	assert_true(list_empty(&joiner->events));
	assert_int_equal(joiner->problems, 0);
	assert_true(joiner->invitation.len > 0);
}

/* ---- One thing that is wrong, each ---- */

static void parcel_version(struct trial *trial)
{
	trial->version++;
}

static void access_none(struct trial *trial)
{
	trial->access_count = 0;
}

static void access_not_down_to_the_first(struct trial *trial)
{
	trial->access[0].number = 2;
}

static void access_rising(struct trial *trial)
{
	trial->access[0].number = 1;
	trial->access[1] = trial->access[0];
	trial->access[1].number = 2;
	trial->access_count = 2;
}

static void access_twice(struct trial *trial)
{
	trial->access[1] = trial->access[0];
	trial->access_count = 2;
}

static void ledger_none(struct trial *trial)
{
	trial->entry_count = 0;
}

static void ledger_without_own(struct trial *trial)
{
	trial->entry_count = TRIAL_OWN;
}

static void ledger_without_beginning(struct trial *trial)
{
	for (size_t i = 1; i < trial->entry_count; i++)
		trial_entry_set(trial, i - 1, BYTES(trial->entries[i], trial->entry_lens[i]));
	trial->entry_count--;
}

static void ledger_out_of_order(struct trial *trial)
{
	uint8_t held[LEDGER_ENTRY_LEN_MAX];
	size_t len = trial->entry_lens[2];

	memcpy(held, trial->entries[2], len);
	trial_entry_set(trial, 2, BYTES(trial->entries[1], trial->entry_lens[1]));
	trial_entry_set(trial, 1, BYTES(held, len));
}

static void ledger_signature(struct trial *trial)
{
	trial->entries[2][trial->entry_lens[2] - 1] ^= 1;
}

static void ledger_entry_twice(struct trial *trial)
{
	trial_entry_set(trial, trial->entry_count, BYTES(trial->entries[3], trial->entry_lens[3]));
	trial->entry_count++;
}

static void ledger_own_revoked(struct trial *trial)
{
	trial_add_revoke(trial, trial->joiner);
}

static void card_network(struct trial *trial)
{
	trial->card.network[0] ^= 1;
}

static void card_head(struct trial *trial)
{
	trial->card.ledger_head[LEDGER_HASH_LEN - 1] ^= 1;
}

static void card_head_of_other_length(struct trial *trial)
{
	trial->card.ledger_length++;
}

static void card_longer_than_ledger(struct trial *trial)
{
	trial->card.ledger_length = TRIAL_FIRST_OWN + 1;
}

static void card_relay(struct trial *trial)
{
	trial->card.relay_key[0] ^= 1;
}

static void card_extension(struct trial *trial)
{
	trial->card.extension++;
}

static void card_name(struct trial *trial)
{
	trial->card.name = BYTES_TEXT("Bob");
}

static void time_before_asking(struct trial *trial)
{
	trial->made_ms = trial->stated_ms + TRIAL_CLOCK_MS + 1;
}

static void time_ahead(struct trial *trial)
{
	trial->utc_ms = trial->stated_ms - TRIAL_CLOCK_MS - 1;
}

static void welcome_for_others(struct trial *trial)
{
	trial->plan.with_joiner = false;
}

static void welcome_flipped(struct trial *trial)
{
	trial->welcome_flip = 1;
}

static void welcome_cut(struct trial *trial)
{
	trial->welcome_cut = 1;
}

static void leaf_of_a_stranger(struct trial *trial)
{
	trial->plan.with_stranger = true;
}

static void leaf_of_somebody_revoked(struct trial *trial)
{
	trial_add_revoke(trial, trial->member);
}

static void leaf_with_another_name(struct trial *trial)
{
	trial->plan.founder_says = BYTES(trial->member->identity.public_key, 32);
}

static void leaf_with_a_short_name(struct trial *trial)
{
	trial->plan.founder_says = BYTES_TEXT("Ana");
}

static void leaf_missing(struct trial *trial)
{
	trial->plan.with_member = false;
}

static void leaf_missing_just_too_long(struct trial *trial)
{
	trial_add_enrol(trial, trial->stated_ms - TRIAL_CLOCK_MS - 1);
}

static void context_none(struct trial *trial)
{
	trial->plan.no_context = true;
}

static void context_version(struct trial *trial)
{
	trial->plan.context.version++;
}

static void context_kind(struct trial *trial)
{
	trial->plan.context.kind = TALK_DIRECT;
}

static void context_head(struct trial *trial)
{
	trial->plan.context.ledger_head[0] ^= 1;
}

static void context_longer_than_ledger(struct trial *trial)
{
	trial->plan.context.ledger_length++;
}

/* A Welcome into the group as it was agreed before this phone was in the ledger. */
static void context_before_own(struct trial *trial)
{
	trial->plan.context.ledger_length = TRIAL_OWN;
	memcpy(trial->plan.context.ledger_head, ledger_head(trial->founder->ledger, TRIAL_OWN),
	       LEDGER_HASH_LEN);
}

/* As where an addition needs no path: the context is of before, and what counts is what it says itself. */
static void agreed(struct trial *trial)
{
	context_before_own(trial);
	trial->plan.by_psk = true;
}

static void agreed_head(struct trial *trial)
{
	agreed(trial);
	trial->plan.agreed.ledger_head[0] ^= 1;
}

static void agreed_longer_than_ledger(struct trial *trial)
{
	agreed(trial);
	trial->plan.agreed.ledger_length++;
}

static void agreed_before_own(struct trial *trial)
{
	agreed(trial);
	trial->plan.agreed = trial->plan.context;
}

/* What was agreed before is looked at, too. */
static void agreed_over_another(struct trial *trial)
{
	agreed(trial);
	trial->plan.context.ledger_head[0] ^= 1;
}

static void context_group(struct trial *trial)
{
	trial->plan.id[0] ^= 1;
}

static const struct doctored {
	const char *name;
	void (*change)(struct trial *trial);
	enum sotto_err err;
} doctored[] = {
	{"another version of the parcel", parcel_version, SOTTO_ERR_INVALID},
	{"no access secret", access_none, SOTTO_ERR_INVALID},
	{"access secrets without the first", access_not_down_to_the_first, SOTTO_ERR_INVALID},
	{"access secrets that rise", access_rising, SOTTO_ERR_INVALID},
	{"an access number twice", access_twice, SOTTO_ERR_INVALID},
	{"no ledger", ledger_none, SOTTO_ERR_INVALID},
	{"a ledger without this phone", ledger_without_own, SOTTO_ERR_INVALID},
	{"a ledger without its beginning", ledger_without_beginning, SOTTO_ERR_STATE},
	{"a ledger in another order", ledger_out_of_order, SOTTO_ERR_STATE},
	{"a wrong signature in the ledger", ledger_signature, SOTTO_ERR_VERIFY},
	{"an entry twice", ledger_entry_twice, SOTTO_ERR_EXISTS},
	{"a ledger in which this phone is revoked", ledger_own_revoked, SOTTO_ERR_INVALID},
	{"another network than the card's", card_network, SOTTO_ERR_INVALID},
	{"a ledger without the card's head", card_head, SOTTO_ERR_INVALID},
	{"the card's head at another length", card_head_of_other_length, SOTTO_ERR_INVALID},
	{"a ledger shorter than the card's", card_longer_than_ledger, SOTTO_ERR_INVALID},
	{"another relay than the card's", card_relay, SOTTO_ERR_INVALID},
	{"another extension than the card's", card_extension, SOTTO_ERR_INVALID},
	{"another name than the card's", card_name, SOTTO_ERR_INVALID},
	{"enrolled before it asked", time_before_asking, SOTTO_ERR_INVALID},
	{"enrolled in the future", time_ahead, SOTTO_ERR_INVALID},
	{"a Welcome for others", welcome_for_others, SOTTO_ERR_NOT_FOUND},
	{"a Welcome with a flipped bit", welcome_flipped, SOTTO_ERR_VERIFY},
	{"a Welcome that is cut off", welcome_cut, SOTTO_ERR_FORMAT},
	{"a leaf of a stranger", leaf_of_a_stranger, SOTTO_ERR_INVALID},
	{"a leaf of somebody revoked", leaf_of_somebody_revoked, SOTTO_ERR_INVALID},
	{"a leaf that says it is another", leaf_with_another_name, SOTTO_ERR_INVALID},
	{"a leaf whose credential is no key", leaf_with_a_short_name, SOTTO_ERR_INVALID},
	{"a leaf is missing", leaf_missing, SOTTO_ERR_INVALID},
	{"a leaf is missing for a moment too long", leaf_missing_just_too_long, SOTTO_ERR_INVALID},
	{"a group without a context of ours", context_none, SOTTO_ERR_INVALID},
	{"another version of the context", context_version, SOTTO_ERR_INVALID},
	{"a conversation instead of everyone", context_kind, SOTTO_ERR_INVALID},
	{"another head in the context", context_head, SOTTO_ERR_INVALID},
	{"a context ahead of the ledger", context_longer_than_ledger, SOTTO_ERR_INVALID},
	{"a context from before this phone", context_before_own, SOTTO_ERR_INVALID},
	{"agreed over another head", agreed_head, SOTTO_ERR_INVALID},
	{"agreed ahead of the ledger", agreed_longer_than_ledger, SOTTO_ERR_INVALID},
	{"agreed over what was before this phone", agreed_before_own, SOTTO_ERR_INVALID},
	{"another head in the context, and agreed", agreed_over_another, SOTTO_ERR_INVALID},
	{"a group that is not the network's", context_group, SOTTO_ERR_INVALID},
};

static void test_doctored_parcels(void **state)
{
	struct trial *trial = trial_begin(500);
	bool right = true;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(doctored); i++) {
		enum sotto_err err;

		trial_reset(trial);
		doctored[i].change(trial);
		err = trial_try(trial);
		if (err != doctored[i].err) {
			print_message("# %s: %d instead of %d\n", doctored[i].name, (int)err,
				      (int)doctored[i].err);
			right = false;
		}
		if (err == SOTTO_OK)
			break;
		assert_unchanged(trial);
	}
	assert_true(right);
	/* After all this the right one is taken. */
	trial_reset(trial);
	assert_int_equal(trial_try(trial), SOTTO_OK);
	assert_int_equal(trial->joiner->state, TALK_MEMBER);
	assert_int_equal(ledger_length(trial->joiner->ledger), TRIAL_FIRST_OWN);
	trial_end(trial);
}

/* ---- At the limits ---- */

static void as_it_is(struct trial *trial)
{
	(void)trial;
}

static void time_just_after_asking(struct trial *trial)
{
	trial->made_ms = trial->stated_ms + TRIAL_CLOCK_MS;
}

static void time_just_not_ahead(struct trial *trial)
{
	trial->utc_ms = trial->stated_ms - TRIAL_CLOCK_MS;
}

static void leaf_missing_just_so_long(struct trial *trial)
{
	trial_add_enrol(trial, trial->stated_ms - TRIAL_CLOCK_MS);
}

static void access_with_a_gap(struct trial *trial)
{
	trial->access[1] = trial->access[0];
	trial->access[0].number = 7;
	trial->access_count = 2;
}

static void ledger_that_grew(struct trial *trial)
{
	trial_add_enrol(trial, trial->stated_ms);
	trial->card.ledger_length = TRIAL_FIRST_OWN;
	memcpy(trial->card.ledger_head, ledger_head(trial->founder->ledger, TRIAL_FIRST_OWN),
	       LEDGER_HASH_LEN);
}

static void test_limits(void **state)
{
	static void (*const changes[])(struct trial * trial) = {as_it_is,
								time_just_after_asking,
								time_just_not_ahead,
								access_with_a_gap,
								leaf_missing_just_so_long,
								ledger_that_grew,
								agreed};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		struct trial *trial = trial_begin(510 + i);

		changes[i](trial);
		assert_int_equal(trial_try(trial), SOTTO_OK);
		assert_int_equal(trial->joiner->state, TALK_MEMBER);
		assert_int_equal(ledger_length(trial->joiner->ledger), trial->entry_count);
		trial_end(trial);
	}
}

/* ---- Parcels as they come: in parts, each in a record of the inbox ---- */

static void part_put(struct trial *trial, const struct talk_part *part)
{
	struct talk *joiner = trial->joiner;
	const struct talk_package *package = talk_package_of(joiner, joiner->identity.public_key);
	struct mls_key_package_info info;
	struct talk_blob encoded = {0}, record = {0};

	assert_int_equal(talk_encode(joiner, &talk_part_type, part, &encoded), SOTTO_OK);
	assert_int_equal(
		mls_key_package_check(&joiner->mls, talk_blob_bytes(&package->message), 0, &info),
		SOTTO_OK);
	assert_int_equal(talk_box_seal(joiner, info.init_key, joiner->inbox.name,
				       talk_blob_bytes(&encoded), &record),
			 SOTTO_OK);
	assert_int_equal(talk_inbox_receive(joiner, talk_blob_bytes(&record)), SOTTO_OK);
	assert_int_equal(talk_coming_work(joiner), SOTTO_OK);
	talk_blob_clear(joiner, &encoded);
	talk_blob_clear(joiner, &record);
}

static size_t coming(const struct talk *talk)
{
	size_t count = 0;

	list_for_each (element, following, &talk->coming)
		count++;
	return count;
}

/* Parts that cannot be, a parcel that is refused; then the right one, its parts in the wrong order. */
static void test_parts(void **state)
{
	struct trial *trial = trial_begin(520);
	struct talk_blob parcel = {0};
	struct talk_part part;
	size_t half;

	(void)state;
	trial_parcel_make(trial, &parcel);
	half = parcel.len / 2;
	part = (struct talk_part){
		.version = TALK_VERSION + 1, .count = 1, .bytes = talk_blob_bytes(&parcel)};
	part_put(trial, &part);
	assert_int_equal(coming(trial->joiner), 0);
	part.version = TALK_VERSION;
	part.number = 1;
	part_put(trial, &part);
	assert_int_equal(coming(trial->joiner), 0);
	part.count = 0;
	part.number = 0;
	part_put(trial, &part);
	assert_int_equal(coming(trial->joiner), 0);
	part.count = TALK_PARCEL_PARTS_MAX + 1;
	part_put(trial, &part);
	assert_int_equal(coming(trial->joiner), 0);
	/* Nothing begins with an empty one: it would wait for ever, and the inbox with it. */
	for (part.count = 1; part.count <= 3; part.count++) {
		part.bytes = BYTES_NONE;
		part_put(trial, &part);
		assert_int_equal(coming(trial->joiner), 0);
	}
	part.count = 1;
	assert_int_equal(trial->joiner->state, TALK_JOINING);

	trial->plan.with_member = false;
	talk_blob_clear(trial->joiner, &parcel);
	trial_parcel_make(trial, &parcel);
	part.id[0] = 1;
	part.bytes = talk_blob_bytes(&parcel);
	part_put(trial, &part);
	assert_int_equal(coming(trial->joiner), 0);
	assert_int_equal(trial->joiner->state, TALK_JOINING);
	assert_int_equal(ledger_length(trial->joiner->ledger), 0);

	trial_reset(trial);
	talk_blob_clear(trial->joiner, &parcel);
	trial_parcel_make(trial, &parcel);
	half = parcel.len / 2;
	part.id[0] = 2;
	part.count = 2;
	part.number = 1;
	part.bytes = BYTES(parcel.data + half, parcel.len - half);
	part_put(trial, &part);
	assert_int_equal(trial->joiner->state, TALK_JOINING);
	part.number = 0;
	part.bytes = BYTES_NONE;
	part_put(trial, &part);
	assert_int_equal(coming(trial->joiner), 1);
	part.bytes = BYTES(parcel.data, half);
	part_put(trial, &part);
	assert_int_equal(trial->joiner->state, TALK_MEMBER);
	talk_blob_clear(trial->joiner, &parcel);
	trial_end(trial);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_doctored_parcels),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
