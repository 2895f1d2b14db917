/* SPDX-License-Identifier: Apache-2.0 */
/* Signature sets, lapses, subjects, bases and unknown actions, with two of three admins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "tests/ledger/network.h"
#include "tests/ledger/whole.h"

static struct ledger *ledger;

static int setup(void **state)
{
	(void)state;
	ledger = network_two_of_three(&allocator_default);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ledger_destroy(ledger);
	return 0;
}

/* Who signs an invitation for person 9, and what the ledger says. */
static void test_signature_sets(void **state)
{
	static const struct {
		uint32_t signers[4];
		size_t count;
		enum sotto_err err;
	} table[] = {
		{{0}, 0, SOTTO_ERR_DENIED},	  /* nobody */
		{{0}, 1, SOTTO_ERR_DENIED},	  /* one of two */
		{{0, 3}, 2, SOTTO_ERR_DENIED},	  /* a member who is no admin */
		{{0, 8}, 2, SOTTO_ERR_DENIED},	  /* a stranger */
		{{0, 1, 3}, 3, SOTTO_ERR_DENIED}, /* enough, and a foreign one */
		{{3, 8}, 2, SOTTO_ERR_DENIED},	  {{0, 1, 2}, 3, SOTTO_OK},
		{{1, 2}, 2, SOTTO_ERR_EXISTS}, /* the extension is promised now */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		uint64_t length = ledger_length(ledger);
		union ledger_body body;

		body_authorise(9, &body);
		assert_int_equal(
			act(ledger, LEDGER_AUTHORISE, &body, table[i].signers, table[i].count),
			table[i].err);
		assert_int_equal(ledger_length(ledger), length + (table[i].err == SOTTO_OK));
	}
}

enum bend { DUPLICATE, SWAPPED, FORGED, OTHER_NETWORK, MISSING };

static void draft_bend(struct ledger_draft *draft, enum bend bend)
{
	struct ledger_signature first = draft->signatures[0];

	switch (bend) {
	case DUPLICATE:
		draft->signatures[1] = first;
		break;
	case SWAPPED:
		draft->signatures[0] = draft->signatures[1];
		draft->signatures[1] = first;
		break;
	case FORGED:
		memcpy(draft->signatures[1].signature, first.signature, LEDGER_SIGNATURE_LEN);
		break;
	case OTHER_NETWORK:
		draft->network[0] ^= 1;
		break;
	case MISSING:
		draft->signature_count = 1;
		break;
	}
}

static void test_bent_signature_sets(void **state)
{
	static const struct {
		enum bend bend;
		enum sotto_err err;
	} table[] = {
		{DUPLICATE, SOTTO_ERR_INVALID}, {SWAPPED, SOTTO_ERR_INVALID},
		{FORGED, SOTTO_ERR_VERIFY},	{OTHER_NETWORK, SOTTO_ERR_VERIFY},
		{MISSING, SOTTO_ERR_DENIED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		static struct ledger_draft draft;
		static struct entry_bytes entry;
		struct person person;
		union ledger_body body;

		body_authorise(9, &body);
		draft_make(ledger, LEDGER_AUTHORISE, &body, &draft);
		if (table[i].bend == OTHER_NETWORK)
			draft_bend(&draft, OTHER_NETWORK);
		for (uint32_t number = 0; number < 2; number++) {
			person_make(number, &person);
			assert_int_equal(ledger_draft_sign(&draft, BYTES_OF(person.device_private)),
					 0);
			assert_int_equal(ledger_draft_sign(&draft, BYTES_OF(person.device_private)),
					 SOTTO_ERR_EXISTS);
		}
		if (table[i].bend != OTHER_NETWORK)
			draft_bend(&draft, table[i].bend);
		draft_finish(&draft, &entry);
		assert_int_equal(ledger_append(ledger, BYTES(entry.data, entry.len)), table[i].err);
	}
}

static const uint32_t both[] = {0, 1};
static const uint32_t others[] = {1, 2};
static const uint32_t founder[] = {0};

static void test_same_entry_twice(void **state)
{
	static struct entry_bytes entry;
	union ledger_body body;

	(void)state;
	body_subject(3, &body);
	act_make(ledger, LEDGER_REVOKE, &body, both, 2, &entry);
	assert_int_equal(ledger_append(ledger, BYTES(entry.data, entry.len)), SOTTO_OK);
	assert_int_equal(ledger_append(ledger, BYTES(entry.data, entry.len)), SOTTO_ERR_EXISTS);
}

/* Two acts on one subject, made at the same time: the first to land applies, the other lapses. */
static void test_subject_touched_since_base(void **state)
{
	static struct entry_bytes first, second, unrelated;
	union ledger_body body;

	(void)state;
	body_subject(3, &body);
	act_make(ledger, LEDGER_REVOKE, &body, both, 2, &first);
	act_make(ledger, LEDGER_REVOKE, &body, others, 2, &second);
	body_authorise(7, &body);
	act_make(ledger, LEDGER_AUTHORISE, &body, both, 2, &unrelated);
	assert_int_equal(ledger_append(ledger, BYTES(first.data, first.len)), SOTTO_OK);
	assert_int_equal(ledger_append(ledger, BYTES(second.data, second.len)), SOTTO_ERR_STATE);
	assert_int_equal(ledger_append(ledger, BYTES(unrelated.data, unrelated.len)), SOTTO_OK);
}

static void test_base_must_be_ancestor(void **state)
{
	static struct ledger_draft draft;
	static struct entry_bytes entry;
	union ledger_body body;
	struct person person;
	uint8_t id[LEDGER_ID_LEN] = {0xee};
	uint8_t head[LEDGER_HASH_LEN];

	(void)state;
	body_subject(3, &body);
	memcpy(head, ledger_head(ledger, ledger_length(ledger)), sizeof(head));
	for (int i = 0; i < 3; i++) {
		uint64_t length = ledger_length(ledger);

		if (i == 0)
			head[0] ^= 1; /* another history of this length */
		if (i == 1) {
			head[0] ^= 1;
			length++; /* the future */
		}
		if (i == 2)
			length = 0; /* before there was anything */
		assert_int_equal(ledger_draft_init(&draft, ledger_network(ledger), LEDGER_REVOKE,
						   id, length, head, NETWORK_UTC_MS, &body),
				 SOTTO_OK);
		for (uint32_t number = 0; number < 2; number++) {
			person_make(number, &person);
			assert_int_equal(ledger_draft_sign(&draft, BYTES_OF(person.device_private)),
					 0);
		}
		draft_finish(&draft, &entry);
		assert_int_equal(ledger_append(ledger, BYTES(entry.data, entry.len)),
				 SOTTO_ERR_STATE);
	}
}

/* What was signed before the threshold rose does not count after, however many signed it. */
static void test_proposals_lapse_when_threshold_rises(void **state)
{
	static const uint32_t four[] = {0, 1, 2, 3};
	static const uint32_t three[] = {0, 1, 2};
	static struct entry_bytes before;
	struct ledger_admin_keys keys[4];
	union ledger_body body;

	(void)state;
	body_authorise(5, &body);
	act_make(ledger, LEDGER_AUTHORISE, &body, three, 3, &before);
	body_authorise(6, &body);
	assert_int_equal(act(ledger, LEDGER_AUTHORISE, &body, both, 2), SOTTO_OK);
	body_admins(3, four, 4, keys, &body);
	assert_int_equal(act(ledger, LEDGER_ADMINS, &body, both, 2), SOTTO_OK);

	assert_int_equal(ledger_append(ledger, BYTES(before.data, before.len)), SOTTO_ERR_DENIED);
	/* And the invitation that was open cannot be used. */
	body_enrol(ledger, 6, &body);
	assert_int_equal(act(ledger, LEDGER_ENROL, &body, founder, 1), SOTTO_ERR_DENIED);
	body_authorise(5, &body);
	assert_int_equal(act(ledger, LEDGER_AUTHORISE, &body, both, 2), SOTTO_ERR_DENIED);
	assert_int_equal(act(ledger, LEDGER_AUTHORISE, &body, three, 3), SOTTO_OK);
}

/* Admin 1 leaves and comes back: what he signed before is void, for acts and for open invitations. */
static void test_signer_stops_being_admin(void **state)
{
	static const uint32_t with_three[] = {0, 2, 3};
	static const uint32_t with_one[] = {0, 1, 2};
	static const uint32_t zero_two[] = {0, 2};
	static struct entry_bytes before, unaffected;
	struct ledger_admin_keys keys[3];
	union ledger_body body;

	(void)state;
	body_authorise(5, &body);
	act_make(ledger, LEDGER_AUTHORISE, &body, both, 2, &before);
	body_authorise(7, &body);
	act_make(ledger, LEDGER_AUTHORISE, &body, zero_two, 2, &unaffected);
	body_authorise(6, &body);
	assert_int_equal(act(ledger, LEDGER_AUTHORISE, &body, both, 2), SOTTO_OK);
	body_authorise(8, &body);
	assert_int_equal(act(ledger, LEDGER_AUTHORISE, &body, zero_two, 2), SOTTO_OK);
	body_admins(2, with_three, 3, keys, &body);
	assert_int_equal(act(ledger, LEDGER_ADMINS, &body, both, 2), SOTTO_OK);
	assert_int_equal(ledger_append(ledger, BYTES(before.data, before.len)), SOTTO_ERR_DENIED);
	body_admins(2, with_one, 3, keys, &body);
	assert_int_equal(act(ledger, LEDGER_ADMINS, &body, zero_two, 2), SOTTO_OK);
	assert_int_equal(ledger_append(ledger, BYTES(before.data, before.len)), SOTTO_ERR_DENIED);
	assert_int_equal(ledger_append(ledger, BYTES(unaffected.data, unaffected.len)), SOTTO_OK);

	body_enrol(ledger, 6, &body);
	assert_int_equal(act(ledger, LEDGER_ENROL, &body, founder, 1), SOTTO_ERR_DENIED);
	body_enrol(ledger, 8, &body);
	assert_int_equal(act(ledger, LEDGER_ENROL, &body, founder, 1), SOTTO_OK);
}

static void test_thresholds(void **state)
{
	static const struct {
		uint8_t threshold;
		size_t admins;
		enum sotto_err err;
	} table[] = {
		{0, 3, SOTTO_ERR_INVALID}, {3, 3, SOTTO_ERR_INVALID}, {2, 2, SOTTO_ERR_INVALID},
		{2, 1, SOTTO_ERR_INVALID}, {0, 1, SOTTO_ERR_INVALID}, {1, 0, SOTTO_ERR_INVALID},
		{2, 3, SOTTO_OK},	   {1, 3, SOTTO_OK},	      {1, 2, SOTTO_OK},
		{1, 1, SOTTO_OK},
	};
	static const uint32_t numbers[] = {0, 1, 2};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct ledger_admin_keys keys[3];
		union ledger_body body;

		body_admins(table[i].threshold, numbers, table[i].admins, keys, &body);
		assert_int_equal(act(ledger, LEDGER_ADMINS, &body,
				     ledger_threshold(ledger) == 1 ? founder : both,
				     ledger_threshold(ledger)),
				 table[i].err);
		if (table[i].err == SOTTO_OK) {
			assert_int_equal(ledger_admin_count(ledger), table[i].admins);
			assert_int_equal(ledger_one_person_controls(ledger),
					 table[i].threshold < 2);
		}
	}
}

static void test_admins_are_confirmed_devices(void **state)
{
	static const uint32_t with_stranger[] = {0, 1, 8};
	struct ledger_admin_keys keys[3];
	union ledger_body body;

	(void)state;
	body_admins(2, with_stranger, 3, keys, &body);
	assert_int_equal(act(ledger, LEDGER_ADMINS, &body, both, 2), SOTTO_ERR_NOT_FOUND);
	network_join(ledger, 8, both, 2); /* enrolled, and unconfirmed: two must sign here */
	assert_int_equal(act(ledger, LEDGER_ADMINS, &body, both, 2), SOTTO_ERR_NOT_FOUND);
}

static void test_invitation_is_used_once_and_in_time(void **state)
{
	static struct ledger_draft draft;
	static struct entry_bytes entry;
	union ledger_body body;
	struct person person;
	uint8_t id[LEDGER_ID_LEN] = {0xdd};
	uint64_t length;

	(void)state;
	body_enrol(ledger, 5, &body);
	assert_int_equal(act(ledger, LEDGER_ENROL, &body, founder, 1), SOTTO_ERR_NOT_FOUND);
	body_authorise(5, &body);
	assert_int_equal(act(ledger, LEDGER_AUTHORISE, &body, both, 2), SOTTO_OK);

	/* The sponsor states a time after its end. */
	length = ledger_length(ledger);
	body_enrol(ledger, 5, &body);
	assert_int_equal(ledger_draft_init(&draft, ledger_network(ledger), LEDGER_ENROL, id, length,
					   ledger_head(ledger, length), NETWORK_UTC_MS + 86400001,
					   &body),
			 SOTTO_OK);
	person_make(0, &person);
	assert_int_equal(ledger_draft_sign(&draft, BYTES_OF(person.device_private)), SOTTO_OK);
	draft_finish(&draft, &entry);
	assert_int_equal(ledger_append(ledger, BYTES(entry.data, entry.len)), SOTTO_ERR_TOO_OLD);

	/* Somebody without the card, or with another device than the card's holder signed. */
	body.enrol.inbox_read[0] ^= 1;
	assert_int_equal(act(ledger, LEDGER_ENROL, &body, founder, 1), SOTTO_ERR_VERIFY);
	body.enrol.inbox_read[0] ^= 1;
	/* A sponsor who is no member. */
	assert_int_equal(act(ledger, LEDGER_ENROL, &body, (const uint32_t[]){8}, 1),
			 SOTTO_ERR_DENIED);
	assert_int_equal(act(ledger, LEDGER_ENROL, &body, both, 2), SOTTO_ERR_DENIED);
	assert_int_equal(act(ledger, LEDGER_ENROL, &body, founder, 1), SOTTO_OK);
	assert_int_equal(act(ledger, LEDGER_ENROL, &body, founder, 1), SOTTO_ERR_DENIED);
	assert_non_null(ledger_member_by_extension(ledger, 105));
}

static void test_extensions(void **state)
{
	static const struct {
		uint32_t extension;
		enum sotto_err err;
	} table[] = {
		{99, SOTTO_ERR_INVALID}, {1000, SOTTO_ERR_INVALID}, {0, SOTTO_ERR_INVALID},
		{100, SOTTO_ERR_EXISTS}, {103, SOTTO_ERR_EXISTS},   {999, SOTTO_OK},
		{999, SOTTO_ERR_EXISTS},
	};

	(void)state;
	for (uint32_t i = 0; i < ARRAY_LEN(table); i++) {
		union ledger_body body;

		body_authorise(20 + i, &body);
		body.authorise.extension = table[i].extension;
		assert_int_equal(act(ledger, LEDGER_AUTHORISE, &body, both, 2), table[i].err);
	}
}

/* What is counted as it changes is what a walk counts. */
static void assert_sums(void)
{
	uint64_t len = 0;
	uint32_t live = 0;

	for (uint64_t i = 0; i < ledger_length(ledger); i++)
		len += ledger_entry_bytes(ledger, i).len;
	for (uint32_t i = 0; i < ledger_device_count(ledger); i++)
		live += ledger_device_at(ledger, i)->state != LEDGER_DEVICE_REVOKED;
	assert_int_equal(ledger_entries_len(ledger), len);
	assert_int_equal(ledger_live_count(ledger), live);
}

/* A revoked member's number may be given again, to another member. */
static void test_revoked_extension_is_free(void **state)
{
	union ledger_body body;
	uint32_t before = ledger_member_by_extension(ledger, 103)->id;
	uint32_t live = ledger_live_count(ledger);
	uint64_t exclusions = ledger_exclusions(ledger);

	(void)state;
	assert_int_equal(live, ledger_device_count(ledger));
	body_subject(3, &body);
	assert_int_equal(act(ledger, LEDGER_REVOKE, &body, both, 2), SOTTO_OK);
	assert_false(ledger_allows_leaf(ledger, body.subject.device_key, false));
	assert_int_equal(ledger_live_count(ledger), live - 1);
	assert_int_equal(ledger_exclusions(ledger), exclusions + 1);
	body_authorise(30, &body);
	body.authorise.extension = 103;
	assert_int_equal(act(ledger, LEDGER_AUTHORISE, &body, both, 2), SOTTO_OK);
	body_enrol(ledger, 30, &body);
	assert_int_equal(act(ledger, LEDGER_ENROL, &body, founder, 1), SOTTO_OK);
	assert_int_not_equal(ledger_member_by_extension(ledger, 103)->id, before);
	assert_int_equal(ledger_member_by_id(ledger, before)->state, LEDGER_MEMBER_REVOKED);
	assert_int_equal(ledger_live_count(ledger), live);
	assert_int_equal(ledger_exclusions(ledger), exclusions + 1);
	assert_sums();
}

static void test_admin_is_not_revoked(void **state)
{
	union ledger_body body;

	(void)state;
	body_subject(2, &body);
	assert_int_equal(act(ledger, LEDGER_REVOKE, &body, both, 2), SOTTO_ERR_INVALID);
	body_subject(8, &body);
	assert_int_equal(act(ledger, LEDGER_REVOKE, &body, both, 2), SOTTO_ERR_NOT_FOUND);
}

static void test_newcomer_is_confirmed_by_another(void **state)
{
	union ledger_body body;
	struct person person;

	(void)state;
	network_join(ledger, 5, both, 2);
	person_make(5, &person);
	assert_true(ledger_allows_leaf(ledger, person.device_key, false));
	assert_false(ledger_allows_leaf(ledger, person.device_key, true));
	/* An unconfirmed device sponsors nobody. */
	body_authorise(6, &body);
	assert_int_equal(act(ledger, LEDGER_AUTHORISE, &body, both, 2), SOTTO_OK);
	body_enrol(ledger, 6, &body);
	assert_int_equal(act(ledger, LEDGER_ENROL, &body, (const uint32_t[]){5}, 1),
			 SOTTO_ERR_DENIED);
	body_subject(5, &body);
	assert_int_equal(act(ledger, LEDGER_CONFIRM, &body, founder, 1), SOTTO_ERR_DENIED);
	assert_int_equal(act(ledger, LEDGER_CONFIRM, &body, (const uint32_t[]){5}, 1),
			 SOTTO_ERR_DENIED);
	assert_int_equal(act(ledger, LEDGER_CONFIRM, &body, (const uint32_t[]){3}, 1), SOTTO_OK);
	assert_true(ledger_allows_leaf(ledger, person.device_key, true));
	assert_int_equal(act(ledger, LEDGER_CONFIRM, &body, (const uint32_t[]){3}, 1),
			 SOTTO_ERR_STATE);
}

/* Reserved and unknown numbers alike are refused, signed by whomever. */
static void test_unknown_actions(void **state)
{
	static const uint8_t actions[] = {0, LEDGER_RENEW, 15, 255};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		struct ledger_act unknown = {
			.version = LEDGER_VERSION,
			.action = actions[i],
			.base_length = ledger_length(ledger),
		};
		struct ledger_draft draft = {0};
		static struct entry_bytes entry;
		struct writer writer;
		struct person person;

		memcpy(unknown.base_head, ledger_head(ledger, unknown.base_length),
		       LEDGER_HASH_LEN);
		memcpy(draft.network, ledger_network(ledger), LEDGER_HASH_LEN);
		writer_init_fixed(&writer, draft.act, sizeof(draft.act));
		assert_int_equal(wire_encode(&ledger_act_type, &unknown, &writer), SOTTO_OK);
		draft.act_len = writer.len;
		for (uint32_t number = 0; number < 2; number++) {
			person_make(number, &person);
			assert_int_equal(ledger_draft_sign(&draft, BYTES_OF(person.device_private)),
					 0);
		}
		draft_finish(&draft, &entry);
		assert_int_equal(ledger_append(ledger, BYTES(entry.data, entry.len)),
				 SOTTO_ERR_UNSUPPORTED);
		/* Another version of the envelope is told apart from nonsense. */
		draft.act[0] = 2;
		draft_finish(&draft, &entry);
		assert_int_equal(ledger_append(ledger, BYTES(entry.data, entry.len)),
				 SOTTO_ERR_VERSION);
	}
}

/* Every truncation and every flipped bit of one entry of each kind is refused and changes nothing. */
static void test_truncations_and_flips(void **state)
{
	static const uint8_t actions[] = {LEDGER_AUTHORISE, LEDGER_ENROL, LEDGER_REVOKE,
					  LEDGER_ADMINS};
	static const uint32_t three[] = {0, 1, 2};
	struct ledger_admin_keys keys[3];

	(void)state;
	network_join(ledger, 4, both, 2);
	for (size_t a = 0; a < ARRAY_LEN(actions); a++) {
		static struct entry_bytes entry;
		union ledger_body body;

		switch (actions[a]) {
		case LEDGER_AUTHORISE:
			body_authorise(6, &body);
			break;
		case LEDGER_ENROL:
			body_enrol(ledger, 6, &body);
			break;
		case LEDGER_REVOKE:
			body_subject(3, &body);
			break;
		default:
			body_admins(1, three, 3, keys, &body);
			break;
		}
		act_make(ledger, actions[a], &body, actions[a] == LEDGER_ENROL ? founder : both,
			 actions[a] == LEDGER_ENROL ? 1 : 2, &entry);
		assert_only_whole(ledger, &entry);
		assert_int_equal(ledger_check(ledger, BYTES(entry.data, entry.len)), SOTTO_OK);
		assert_int_equal(ledger_append(ledger, BYTES(entry.data, entry.len)), SOTTO_OK);
	}
}

static void test_restored_ledger_is_the_same(void **state)
{
	struct ledger *again;

	(void)state;
	assert_int_equal(ledger_create(&allocator_default, &again), SOTTO_OK);
	for (uint64_t i = 0; i < ledger_length(ledger); i++)
		assert_int_equal(ledger_restore(again, ledger_entry_bytes(ledger, i)), SOTTO_OK);
	assert_memory_equal(ledger_head(again, ledger_length(again)),
			    ledger_head(ledger, ledger_length(ledger)), LEDGER_HASH_LEN);
	assert_memory_equal(ledger_network(again), ledger_network(ledger), LEDGER_HASH_LEN);
	assert_true(bytes_equal(ledger_founding(again)->network_name, BYTES_TEXT("Newsroom")));
	assert_int_equal(ledger_member_count(again), ledger_member_count(ledger));
	ledger_destroy(again);
}

/* An allocator that refuses the nth call. */
static size_t allocations_left;

static void *allocate_some(void *context, size_t len)
{
	(void)context;
	return allocations_left-- == 0 ? NULL : allocator_default.allocate(NULL, len);
}

static void test_failing_allocations(void **state)
{
	struct allocator failing = allocator_default;
	size_t failed = 0;

	(void)state;
	failing.allocate = allocate_some;
	for (size_t n = 0;; n++) {
		struct ledger *again = NULL;
		enum sotto_err err;

		allocations_left = n;
		err = ledger_create(&failing, &again);
		for (uint64_t i = 0; err == SOTTO_OK && i < ledger_length(ledger); i++) {
			err = ledger_restore(again, ledger_entry_bytes(ledger, i));
			assert_int_equal(ledger_length(again), i + (err == SOTTO_OK));
		}
		ledger_destroy(again);
		if (err == SOTTO_OK)
			break;
		assert_int_equal(err, SOTTO_ERR_NO_MEMORY);
		failed++;
	}
	assert_true(failed > 10);
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		bool valid;
	} table[] = {
		{"Ana", true},
		{"Zo\xc3\xab \xe6\x9d\x8e", true},
		{"\xf0\x9f\x98\x80", true},
		{"", false},
		{"a\nb", false},
		{"\xc3", false},
		{"\xc0\x80", false},
		{"\xed\xa0\x80", false},
		{"a\xe2\x80\xae z", false},
		{"\xff", false},
		{"\xf4\x90\x80\x80", false},
		{"\xc2\x85", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		assert_int_equal(ledger_name_valid(BYTES(table[i].name, strlen(table[i].name))),
				 table[i].valid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_signature_sets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bent_signature_sets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_same_entry_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_subject_touched_since_base, setup, teardown),
		cmocka_unit_test_setup_teardown(test_base_must_be_ancestor, setup, teardown),
		cmocka_unit_test_setup_teardown(test_proposals_lapse_when_threshold_rises, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_signer_stops_being_admin, setup, teardown),
		cmocka_unit_test_setup_teardown(test_thresholds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_admins_are_confirmed_devices, setup, teardown),
		cmocka_unit_test_setup_teardown(test_invitation_is_used_once_and_in_time, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_extensions, setup, teardown),
		cmocka_unit_test_setup_teardown(test_revoked_extension_is_free, setup, teardown),
		cmocka_unit_test_setup_teardown(test_admin_is_not_revoked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_newcomer_is_confirmed_by_another, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_unknown_actions, setup, teardown),
		cmocka_unit_test_setup_teardown(test_truncations_and_flips, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restored_ledger_is_the_same, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failing_allocations, setup, teardown),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
