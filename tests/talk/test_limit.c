/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network of TALK_MEMBERS_MAX devices, most of them without an engine: the last one comes in like any
 * other, by commits in parts that the others follow; one more is refused; when somebody goes there is a place
 * again. What is sent for it fits into the phones' and the relay's limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/limits.h"
#include "tests/talk/crowd.h"
#include "tests/talk/inside.h"
#include "tests/talk/steps.h"

enum { FOUNDER, FIRST, SECOND, LAST, ONE_MORE, PHONES };

#define CROWD	  (TALK_MEMBERS_MAX - LAST - 1)
#define DROPS_MAX 128
#define PLACES	  250

/* All ranks of the largest network; most of those who would be first say nothing here. */
#define TURN_S (TALK_MEMBERS_MAX * TALK_RANK_MS / 1000 + 30)

/* What the largest network sends, keeps and waits for, against what is there for it. */
_Static_assert(TALK_SENDERS_MAX >= TALK_MEMBERS_MAX, "everybody can be heard in *everyone*");
_Static_assert(TALK_UNFINISHED_MAX *(TALK_MESSAGE_PARTS_MAX + 1) * WIRE_RECORD_LEN_64 <=
		       RELAY_DROP_BYTES_MAX,
	       "unfinished commits do not fill a drop");
_Static_assert(TALK_PETITIONS_MAX *WIRE_RECORD_LEN_16 <= RELAY_PORCH_BYTES_MAX,
	       "as many petitions as phones look at fit the porch");
_Static_assert(TALK_FILE_PARTS_MAX *WIRE_RECORD_LEN_64 <= RELAY_INBOX_BYTES_MAX,
	       "a file fits its drop");
_Static_assert((TALK_MESSAGE_PARTS_MAX + 1) * WIRE_RECORD_LEN_64 <= RELAY_LINK_APPEND_BURST,
	       "a commit goes out without a pause");

/* With X-Wing, at least. */
#define PACKAGE_LEN 2600
#define LEAF_LEN    1300

/* What one phone puts into one drop. */
struct drop_sum {
	uint8_t name[WIRE_HASH_LEN];
	bool inbox, file;
	size_t records, bytes;
};

static struct {
	struct drop_sum drops[DROPS_MAX];
	size_t drop_count;
	/* Messages of *everyone* in parts, and the longest one. */
	uint8_t message_id[TALK_MESSAGE_ID_LEN];
	uint32_t messages;
	size_t message_len, message_records, message_members;
} sent;

/* The commit that waits at this phone, put together from its records. */
static void look_at_pending(const struct talk *talk)
{
	const struct talk_group *everyone = talk->everyone;
	size_t len = 0;

	if (everyone == NULL || everyone->pending.count < 2 ||
	    memcmp(everyone->pending.id, sent.message_id, TALK_MESSAGE_ID_LEN) == 0)
		return;
	memcpy(sent.message_id, everyone->pending.id, TALK_MESSAGE_ID_LEN);
	sent.messages++;
	for (size_t i = 0; i < everyone->pending.count; i++) {
		struct talk_blob content = {0};
		struct talk_part part;

		assert_int_equal(talk_record_open(talk, &everyone->drops[0],
						  talk_blob_bytes(&everyone->pending.items[i]),
						  &content),
				 SOTTO_OK);
		assert_int_equal(wire_decode(&talk_part_type, talk_blob_bytes(&content), &part),
				 SOTTO_OK);
		assert_int_equal(part.number, i);
		assert_int_equal(part.count, everyone->pending.count);
		len += i == 0 ? 0 : part.bytes.len;
		talk_blob_clear(talk, &content);
	}
	if (len < sent.message_len)
		return;
	sent.message_len = len;
	sent.message_records = everyone->pending.count;
	sent.message_members = mls_group_member_count(everyone->mls);
}

static struct drop_sum *sum_of(const uint8_t *name)
{
	for (size_t i = 0; i < sent.drop_count; i++) {
		if (memcmp(sent.drops[i].name, name, WIRE_HASH_LEN) == 0)
			return &sent.drops[i];
	}
	assert_true(sent.drop_count < DROPS_MAX);
	memcpy(sent.drops[sent.drop_count].name, name, WIRE_HASH_LEN);
	return &sent.drops[sent.drop_count++];
}

static void request_sent(void *context, const struct talk *talk, struct bytes request)
{
	uint8_t append_hash[WIRE_HASH_LEN], name[WIRE_HASH_LEN];
	struct drop_sum *drop;
	struct wire_append append;
	struct wire_cursor cursor;
	struct wire_record record;

	(void)context;
	assert_true(request.len <= WIRE_MESSAGE_MAX);
	if (wire_identify(WIRE_FAMILY_RELAY, request) != &wire_append_type)
		return;
	look_at_pending(talk);
	assert_int_equal(wire_decode(&wire_append_type, request, &append), SOTTO_OK);
	wire_append_token_hash(append.append_token, append_hash);
	wire_drop_name(append.flags, append_hash, append.read_token_hash, name);
	drop = sum_of(name);
	drop->inbox = (append.flags & WIRE_DROP_INBOX) != 0;
	drop->file = (append.flags & WIRE_DROP_FILE) != 0;
	cursor = wire_list_walk(&append.records);
	while (wire_record_next(&cursor, &record)) {
		drop->records++;
		drop->bytes += record.sealed.len;
	}
}

/* Everybody up to this phone is in the same epoch of so many devices. */
static bool all_agree(struct world *world, uint32_t last, uint32_t out, uint32_t members)
{
	uint8_t first[MLS_HASH_LEN_MAX] = {0};

	mls_group_epoch_authenticator(everyone_of(world, FOUNDER)->mls, first);
	for (uint32_t i = FOUNDER; i <= last; i++) {
		const struct talk_group *everyone = everyone_of(world, i);
		uint8_t other[MLS_HASH_LEN_MAX] = {0};

		if (i == out)
			continue;
		if (state_of(world, i) != TALK_MEMBER || everyone->update_due ||
		    everyone->pending.count > 0 || mls_group_member_count(everyone->mls) != members)
			return false;
		mls_group_epoch_authenticator(everyone->mls, other);
		if (memcmp(first, other, sizeof(first)) != 0)
			return false;
	}
	return true;
}

static void run_until_agreed(struct world *world, uint32_t last, uint32_t out, uint32_t members)
{
	for (uint64_t s = 0; !all_agree(world, last, out, members); s++) {
		assert_true(s < 2 * TURN_S);
		world_run(world, 1);
	}
	for (uint32_t i = FOUNDER; i <= last; i++)
		assert_int_equal(problems_of(world, i), 0);
}

static uint64_t utc_ms(const struct world *world)
{
	return WORLD_UTC_MS + world_now(world) / 1000000;
}

static enum sotto_err invite(struct world *world, uint32_t number)
{
	return talk_invite(talk_of(world, FOUNDER), world_extension(world, number),
			   BYTES_TEXT("Dee"), 86400000, world_now(world), utc_ms(world));
}

static void enter(struct world *world, uint32_t number)
{
	uint32_t messages = sent.messages;

	world_invite(world, number);
	world_join(world, number);
	run_until_agreed(world, number, UINT32_MAX, CROWD + number + 1);
	/* It was added, and nobody had to be told a path. */
	assert_int_equal(sent.messages, messages);
	update_wish(world, FOUNDER, everyone_of(world, FOUNDER));
	run_until_agreed(world, number, UINT32_MAX, CROWD + number + 1);
	assert_int_equal(sent.messages, messages + 1);
}

/* Nothing that was sent is more than phones and relay take, and it was as large as it ought to be. */
static void check_sums(void)
{
	size_t largest_file = 0, largest_inbox = 0;

	for (size_t i = 0; i < sent.drop_count; i++) {
		const struct drop_sum *drop = &sent.drops[i];

		assert_true(drop->bytes <= (drop->inbox || drop->file ? RELAY_INBOX_BYTES_MAX
								      : RELAY_DROP_BYTES_MAX));
		if (drop->file && drop->bytes > largest_file)
			largest_file = drop->bytes;
		if (drop->inbox && drop->bytes > largest_inbox)
			largest_inbox = drop->bytes;
		if (drop->file)
			assert_true(drop->records <= TALK_FILE_PARTS_MAX);
		if (drop->inbox)
			assert_true(drop->bytes <= drop->records * WIRE_RECORD_LEN_16);
	}
	/* What is told to whoever comes has a key package and a leaf of each device; what is his alone has none. */
	assert_true(largest_file > TALK_MEMBERS_MAX * (PACKAGE_LEN + LEAF_LEN));
	/* Several in a row need not wait for the relay. */
	assert_true(4 * (largest_file + sent.message_records * WIRE_RECORD_LEN_64) <
		    RELAY_LINK_APPEND_BURST);
	/* A path over a tree without other parents. */
	assert_int_equal(sent.message_records, talk_part_count(sent.message_len) + 1);
	assert_true(sent.message_records <= TALK_MESSAGE_PARTS_MAX + 1);
	assert_true(sent.message_len <
		    sent.message_members * TALK_PATH_LEAF_LEN + TALK_COMMIT_REST_LEN);
	assert_true(sent.message_len > sent.message_members * (TALK_PATH_LEAF_LEN - 20));
	print_message(
		"# the longest commit: %zu bytes in %zu records; the largest file: %zu bytes; the "
		"largest inbox: %zu bytes\n",
		sent.message_len, sent.message_records, largest_file, largest_inbox);
}

static void test_limit(void **state)
{
	struct world *world = world_create_of(1100, PHONES);

	(void)state;
	world_digits(world, 4);
	world_found(world);
	crowd_enter(world, CROWD);
	world_listen(world, request_sent, NULL);
	run_until_agreed(world, FOUNDER, UINT32_MAX, CROWD + 1);
	for (uint32_t i = FIRST; i < LAST; i++)
		enter(world, i);

	/* Two cards for the one place that is left. */
	world_invite(world, ONE_MORE);
	assert_int_equal(talk_join(talk_of(world, ONE_MORE),
				   BYTES(world_phone(world, FOUNDER)->invitation,
					 world_phone(world, FOUNDER)->invitation_len),
				   world_now(world), utc_ms(world)),
			 SOTTO_OK);
	world_settle(world_phone(world, ONE_MORE));
	enter(world, LAST);
	check_sums();
	world_link(world, ONE_MORE, true);
	world_run(world, 2 * TURN_S);
	assert_int_equal(state_of(world, ONE_MORE), TALK_JOINING);
	for (uint32_t i = FOUNDER; i <= LAST; i++)
		assert_int_equal(ledger_device_count(talk_ledger(talk_of(world, i))),
				 TALK_MEMBERS_MAX);
	assert_true(all_agree(world, LAST, UINT32_MAX, TALK_MEMBERS_MAX));
	assert_int_equal(invite(world, PHONES), SOTTO_ERR_LIMIT);

	/* Whoever goes makes room for the one who waits. */
	assert_int_equal(talk_revoke(talk_of(world, FOUNDER),
				     world_extension(world, WORLD_PHONES_MAX), world_now(world),
				     utc_ms(world)),
			 SOTTO_OK);
	world_settle(world_phone(world, FOUNDER));
	run_until_agreed(world, ONE_MORE, UINT32_MAX, TALK_MEMBERS_MAX);
	assert_true(world_send(world, ONE_MORE, FIRST, 1));
	assert_true(world_send(world, FOUNDER, ONE_MORE, 1));
	assert_true(world_send(world, LAST, ONE_MORE, 1));
	world_run(world, 60);
	assert_int_equal(world_received(world, ONE_MORE, FIRST, 1), 1);
	assert_int_equal(world_received(world, FOUNDER, ONE_MORE, 1), 1);
	assert_int_equal(world_received(world, LAST, ONE_MORE, 1), 1);
	check_sums();
	world_destroy(world);
}

static uint32_t founders_members(struct world *world)
{
	return mls_group_member_count(everyone_of(world, FOUNDER)->mls);
}

/* What the founder keeps for those who are on their way in. */
static size_t parcels(struct world *world, size_t *bytes)
{
	const struct talk *talk = talk_of(world, FOUNDER);
	size_t count = 0;

	*bytes = 0;
	list_for_each (element, following, &talk->parcels) {
		const struct talk_sent_parcel *parcel =
			CONTAINER_OF(element, struct talk_sent_parcel, list);

		for (size_t i = 0; i < parcel->records.count; i++)
			*bytes += parcel->records.items[i].len;
		count++;
	}
	return count;
}

static size_t files(struct world *world, size_t *bytes)
{
	size_t count = 0;

	*bytes = 0;
	list_for_each (element, following, &talk_of(world, FOUNDER)->files) {
		const struct talk_sent_file *file =
			CONTAINER_OF(element, struct talk_sent_file, list);

		for (size_t i = 0; i < file->records.count; i++)
			*bytes += file->records.items[i].len;
		count++;
	}
	return count;
}

/*
 * As many come at once as there are places: one or two commits let all of them in, and what they are told alike
 * travels once for each. Of two more none comes in.
 */
static void test_many_at_once(void **state)
{
	struct world *world = world_create_of(1101, 1);
	struct talk *founder = talk_of(world, FOUNDER);
	uint32_t in = TALK_MEMBERS_MAX - PLACES;
	size_t parcel_bytes, file_bytes, bytes, commits;
	uint64_t epoch;

	(void)state;
	world_digits(world, 4);
	world_found(world);
	crowd_enter(world, in - 1);
	run_until_agreed(world, FOUNDER, UINT32_MAX, in);
	world_link(world, FOUNDER, false);
	crowd_petition(world, in - 1, PLACES, true);
	epoch = epoch_at(world, FOUNDER);
	world_link(world, FOUNDER, true);
	world_run(world, 30);
	assert_int_equal(founders_members(world), TALK_MEMBERS_MAX);
	/* Those whose petitions were in the first batch, then all others. */
	commits = epoch_at(world, FOUNDER) - epoch;
	assert_true(commits <= 2);
	assert_int_equal(parcels(world, &parcel_bytes), PLACES);
	assert_int_equal(files(world, &file_bytes), commits);
	assert_int_equal(parcel_bytes, PLACES * WIRE_RECORD_LEN_4);
	assert_true(file_bytes <= commits * RELAY_INBOX_BYTES_MAX);
	print_message("# %u newcomers to %u by %zu commits: files of %zu bytes and parcels of %zu; "
		      "%zu if "
		      "each had all of it\n",
		      PLACES, in, commits, file_bytes, parcel_bytes,
		      PLACES * (file_bytes / commits + WIRE_RECORD_LEN_4));
	crowd_petition(world, TALK_MEMBERS_MAX - 1, 2, false);
	world_run(world, 2 * TURN_S);
	assert_int_equal(founders_members(world), TALK_MEMBERS_MAX);
	assert_int_equal(ledger_device_count(talk_ledger(founder)), TALK_MEMBERS_MAX);

	/* For one who is taken out before he came nothing is kept; and one of them comes. */
	assert_int_equal(talk_revoke(founder, world_extension(world, WORLD_PHONES_MAX + in),
				     world_now(world), utc_ms(world)),
			 SOTTO_OK);
	world_settle(world_phone(world, FOUNDER));
	world_run(world, 2 * TURN_S);
	assert_int_equal(founders_members(world), TALK_MEMBERS_MAX);
	assert_int_equal(ledger_device_count(talk_ledger(founder)), TALK_MEMBERS_MAX + 1);
	assert_int_equal(parcels(world, &bytes), PLACES);
	/* One of them is out, one came later: a file more. */
	assert_int_equal(files(world, &bytes), commits + 1);
	world_destroy(world);
}

/* A key package that makes every parcel too long to be sent, as that of this device; to be freed. */
static struct talk_package *burden(struct talk *talk, const uint8_t *device_key)
{
	struct talk_package *package = talk_take(talk, sizeof(*package));

	assert_non_null(package);
	package->message.len = TALK_FILE_MAX;
	package->message.data = talk_take(talk, TALK_FILE_MAX);
	assert_non_null(package->message.data);
	memcpy(package->device_key, device_key, LEDGER_KEY_LEN);
	package->counted = TALK_FILE_MAX;
	talk->packages_len += package->counted;
	talk_package_enter(talk, package, true);
	return package;
}

/* What a newcomer would have to be sent is longer than can be sent: nobody is let in, and nothing else stops. */
static void test_too_long_a_history(void **state)
{
	struct world *world = world_create(1102);
	struct talk *founder = talk_of(world, FOUNDER);
	struct talk_package *package;
	uint32_t sponsor = FOUNDER;

	(void)state;
	world_found(world);
	world_invite(world, 1);
	package = burden(founder, (const uint8_t[LEDGER_KEY_LEN]){0});
	assert_int_equal(talk_adds_max(founder, 1), 0);
	assert_int_equal(invite(world, 2), SOTTO_ERR_LIMIT);
	world_join(world, 1);
	world_run(world, 30);
	assert_int_equal(state_of(world, 1), TALK_JOINING);
	assert_int_equal(ledger_device_count(talk_ledger(founder)), 1);
	talk_package_free(founder, package);
	world_invite(world, 2);
	world_run(world, 30);
	assert_int_equal(state_of(world, 1), TALK_MEMBER);

	/* So it became while the commit was on its way: it wins, and who cannot be told stays out. */
	world_join(world, 2);
	while (everyone_of(world, sponsor)->pending.count == 0) {
		world_run_ms(world, 1);
		sponsor = everyone_of(world, 1)->pending.count > 0 ? 1 : FOUNDER;
	}
	package = burden(talk_of(world, sponsor), talk_of(world, 1 - sponsor)->identity.public_key);
	world_run(world, 30);
	assert_int_equal(founders_members(world), 3);
	assert_int_equal(state_of(world, 2), TALK_JOINING);
	assert_true(list_empty(&talk_of(world, sponsor)->parcels));
	talk_package_free(talk_of(world, sponsor), package);
	assert_true(world_send(world, 1, FOUNDER, 1));
	world_run(world, 10);
	assert_int_equal(world_received(world, 1, FOUNDER, 1), 1);
	world_destroy(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_too_long_a_history),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
