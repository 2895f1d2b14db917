/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each enum talk_problem: raised by what it stands for and by nothing less, and cleared when that is over.
 * TALK_PROBLEM_STUCK is in test_commits.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/talk/inside.h"
#include "tests/talk/steps.h"

#define BIT(problem) (UINT32_C(1) << TALK_PROBLEM_##problem)

/* Three members, of which 0 and 1 have a conversation. */
#define DAY_S 86400

static struct world *settled(uint64_t seed)
{
	struct world *world = world_create(seed);

	world_members(world, 3, false);
	assert_true(world_send(world, 0, 1, 0));
	world_run(world, 20);
	assert_int_equal(world_received(world, 0, 1, 0), 1);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(problems_of(world, i), 0);
	return world;
}

static void relink(struct world *world, uint32_t number)
{
	world_link(world, number, false);
	world_run(world, 1);
	world_link(world, number, true);
	world_run(world, 10);
}

/* ---- What others say in their frames ---- */

static void unchanged(struct talk_frame *frame, const void *context)
{
	(void)frame;
	(void)context;
}

static void other_head(struct talk_frame *frame, const void *context)
{
	(void)context;
	frame->ledger_head[0] ^= 1;
}

/* A head that everybody once had, wrong. */
static void other_head_before(struct talk_frame *frame, const void *context)
{
	(void)context;
	frame->ledger_length--;
}

static void other_everyone(struct talk_frame *frame, const void *context)
{
	(void)context;
	frame->everyone_authenticator[TALK_AUTHENTICATOR_LEN - 1] ^= 1;
}

/* Where nothing can be compared nothing is said. */
static void other_everyone_of_another_epoch(struct talk_frame *frame, const void *context)
{
	(void)context;
	frame->everyone_epoch++;
	frame->everyone_authenticator[0] ^= 1;
}

static void longer(struct talk_frame *frame, const void *context)
{
	frame->ledger_length += *(const uint64_t *)context;
}

static void later(struct talk_frame *frame, const void *context)
{
	frame->everyone_epoch += *(const uint64_t *)context;
}

static void other_type(struct talk_frame *frame, const void *context)
{
	(void)context;
	frame->type = 200;
}

static void test_forked(void **state)
{
	static const struct {
		void (*change)(struct talk_frame *frame, const void *context);
		bool forked, branched;
	} cases[] = {
		{unchanged, false, false},
		{other_head, true, false},
		{other_head_before, true, false},
		{other_everyone, false, true},
		{other_everyone_of_another_epoch, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world *world = settled(600 + i);
		uint32_t wanted = cases[i].forked ? BIT(FORKED) : 0;

		frame_post(world, 1, direct_of(world, 1, 0), cases[i].change, NULL);
		/* At once: nothing waits for a minute here. */
		world_run(world, 1);
		assert_int_equal(problems_of(world, 0),
				 wanted | (cases[i].branched ? BIT(BRANCHED) : 0));
		world_restart(world_phone(world, 0));
		relink(world, 0);
		assert_int_equal(problems_of(world, 0), wanted);
		/* Another ledger is a full stop: it sends nothing more. */
		assert_true(world_send(world, 0, 2, 1));
		world_run(world, 30);
		assert_int_equal(world_received(world, 0, 2, 1), cases[i].forked ? 0 : 1);
		world_destroy(world);
	}
}

/* A commit that others have and this phone cannot get. */
static void test_withheld_commit(void **state)
{
	uint64_t more = 1;
	struct world *world = settled(615);
	struct talk *talk = talk_of(world, 0);

	(void)state;
	frame_post(world, 1, direct_of(world, 1, 0), later, &more);
	world_run(world, 59);
	assert_int_equal(problems_of(world, 0), 0);
	world_run(world, 2);
	assert_int_equal(problems_of(world, 0), BIT(WITHHELD));
	update_wish(world, 2, talk_of(world, 2)->everyone);
	world_run(world, 10);
	assert_int_equal(problems_of(world, 0), 0);
	assert_int_equal(talk->behind_ns, 0);
	/* What is here already says nothing. */
	more = 0;
	frame_post(world, 1, direct_of(world, 1, 0), later, &more);
	world_run(world, 1);
	assert_int_equal(talk->behind_ns, 0);
	world_destroy(world);
}

static void test_withheld(void **state)
{
	uint64_t more = 1;
	struct world *world = settled(610);
	struct talk *talk = talk_of(world, 0);
	uint64_t due_ns;

	(void)state;
	frame_post(world, 1, direct_of(world, 1, 0), longer, &more);
	world_run(world, 1);
	assert_true(talk->behind_ns != 0);
	due_ns = talk->behind_ns + 60 * WORLD_SECOND;
	world_run_ms(world, (due_ns - world_now(world)) / 1000000);
	assert_int_equal(problems_of(world, 0), 0);
	world_run_ms(world, 2);
	assert_int_equal(problems_of(world, 0), BIT(WITHHELD));
	/* What was missing comes after all. */
	world_invite(world, 5);
	world_run(world, 2);
	assert_int_equal(problems_of(world, 0), 0);
	world_run(world, 100);
	assert_int_equal(problems_of(world, 0), 0);
	world_destroy(world);

	/* It comes in time: nothing was ever wrong. */
	world = settled(611);
	frame_post(world, 1, direct_of(world, 1, 0), longer, &more);
	world_run(world, 50);
	world_invite(world, 5);
	world_run(world, 100);
	assert_int_equal(problems_of(world, 0), 0);
	world_destroy(world);

	/* Two were said to be there, and one came. */
	world = settled(612);
	more = 2;
	frame_post(world, 1, direct_of(world, 1, 0), longer, &more);
	world_run(world, 50);
	world_invite(world, 5);
	world_run(world, 100);
	assert_int_equal(problems_of(world, 0), BIT(WITHHELD));
	world_destroy(world);

	/* Without having read to the end nobody is accused. */
	world = settled(613);
	more = 1;
	frame_post(world, 1, direct_of(world, 1, 0), longer, &more);
	world_run(world, 1);
	world_link(world, 0, false);
	world_run(world, 300);
	assert_true(world_send(world, 0, 2, 1)); /* any step: it looks at the time */
	assert_int_equal(problems_of(world, 0), 0);
	world_destroy(world);
}

static void test_old(void **state)
{
	static const uint8_t newer[] = {TALK_VERSION + 1, 1, 2, 3};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct world *world = settled(620 + (uint64_t)i);

		if (i == 0)
			plain_post(world, 1, direct_of(world, 1, 0), BYTES_OF(newer));
		else
			frame_post(world, 1, direct_of(world, 1, 0), other_type, NULL);
		world_run(world, 1);
		assert_int_equal(problems_of(world, 0), BIT(OLD));
		/* What it does understand goes on. */
		assert_true(world_send(world, 1, 0, 1));
		world_run(world, 10);
		assert_int_equal(world_received(world, 1, 0, 1), 1);
		/* A newer version of the program may understand: each start looks anew. */
		world_restart(world_phone(world, 0));
		relink(world, 0);
		assert_int_equal(problems_of(world, 0), 0);
		world_destroy(world);
	}
}

/* For a day; with a link or without. Who is out of the network is not asked any more. */
static void test_old_for_a_day(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 2; i++) {
		struct world *world = settled(622 + i);

		assert_true(world_send(world, 2, 0, 1));
		world_run(world, 10);
		frame_post(world, 1, direct_of(world, 1, 0), other_type, NULL);
		world_run(world, DAY_S / 2);
		assert_int_equal(problems_of(world, 0), BIT(OLD));
		frame_post(world, 1, direct_of(world, 1, 0), other_type, NULL);
		world_run(world, 10);
		world_link(world, 0, i == 0);
		world_run(world, DAY_S - 20);
		assert_int_equal(problems_of(world, 0), BIT(OLD));
		world_run(world, 20);
		assert_int_equal(problems_of(world, 0), 0);
		world_link(world, 0, true);
		world_run(world, 60);
		frame_post(world, 1, direct_of(world, 1, 0), other_type, NULL);
		frame_post(world, 2, direct_of(world, 2, 0), other_type, NULL);
		world_run(world, 10);
		revoke(world, 1);
		world_run(world, 10);
		assert_int_equal(problems_of(world, 0), BIT(OLD));
		revoke(world, 2);
		world_run(world, 10);
		assert_int_equal(problems_of(world, 0), 0);
		world_destroy(world);
	}
}

/* An entry that this version has no rule for: everybody says so, and no ledger changes. */
static void test_old_entry(void **state)
{
	struct world *world = settled(625);
	struct talk *talk = talk_of(world, 0);
	struct talk_blob body = {0};
	struct talk_entry item;
	uint64_t length = ledger_length(talk->ledger);
	static uint8_t bytes[LEDGER_ENTRY_LEN_MAX];
	uint8_t id[LEDGER_ID_LEN] = {7};
	uint64_t more = 1;
	struct ledger_draft draft;
	struct writer writer;
	union ledger_body revoke_body = {0};

	(void)state;
	/* A reserved action in the form of one that has a rule. */
	memcpy(revoke_body.subject.device_key, talk_of(world, 2)->identity.public_key,
	       LEDGER_KEY_LEN);
	assert_int_equal(ledger_draft_init(&draft, ledger_network(talk->ledger), LEDGER_REVOKE, id,
					   length, ledger_head(talk->ledger, length), WORLD_UTC_MS,
					   &revoke_body),
			 SOTTO_OK);
	assert_int_equal(draft.act[1], LEDGER_REVOKE);
	draft.act[1] = LEDGER_RENEW;
	assert_int_equal(ledger_draft_sign(&draft, secret_bytes(&talk->identity.private_key)),
			 SOTTO_OK);
	writer_init_fixed(&writer, bytes, sizeof(bytes));
	assert_int_equal(ledger_draft_encode(&draft, &writer), SOTTO_OK);
	item.entry = writer_bytes(&writer);
	assert_int_equal(talk_encode(talk, &talk_entry_type, &item, &body), SOTTO_OK);
	for (uint32_t i = 1; i < 3; i++) {
		struct talk *other = talk_of(world, i);

		assert_int_equal(talk_entry_receive(other, talk_blob_bytes(&body),
						    talk->identity.public_key),
				 SOTTO_OK);
		assert_int_equal(ledger_length(other->ledger), length);
		assert_int_equal(problems_of(world, i), BIT(OLD));
	}
	talk_blob_clear(talk, &body);
	/* Somebody has one entry more: then it was that one, and the phone is behind because it is old. */
	frame_post(world, 0, direct_of(world, 0, 1), longer, &more);
	world_run(world, DAY_S + 10);
	assert_int_equal(problems_of(world, 1), BIT(OLD) | BIT(WITHHELD));
	assert_int_equal(problems_of(world, 2), 0);
	world_invite(world, 5);
	world_run(world, 10);
	assert_int_equal(problems_of(world, 1), 0);
	world_destroy(world);
}

/* ---- What the relay does ---- */

static void test_relay_full(void **state)
{
	struct world *world = settled(630);

	(void)state;
	fake_relay_refuse(world_relay(world), WIRE_STATUS_FULL, 1);
	assert_true(world_send(world, 0, 1, 1));
	world_run_ms(world, 500);
	assert_int_equal(problems_of(world, 0), BIT(RELAY_FULL));
	assert_int_equal(world_sent_state(world, 0, 1, 1), TALK_MESSAGE_QUEUED);
	world_run(world, 20);
	assert_int_equal(problems_of(world, 0), 0);
	assert_int_equal(world_received(world, 0, 1, 1), 1);
	assert_int_equal(world_sent_state(world, 0, 1, 1), TALK_MESSAGE_DELIVERED);
	/* While it stays full the problem stays. */
	fake_relay_refuse(world_relay(world), WIRE_STATUS_FULL, UINT32_MAX);
	assert_true(world_send(world, 0, 1, 2));
	world_run(world, 30);
	assert_int_equal(problems_of(world, 0), BIT(RELAY_FULL));
	fake_relay_refuse(world_relay(world), WIRE_STATUS_FULL, 0);
	world_run(world, 30);
	assert_int_equal(problems_of(world, 0), 0);
	assert_int_equal(world_received(world, 0, 1, 2), 1);
	world_destroy(world);
}

static void count_request(void *context, const struct talk *talk, struct bytes request)
{
	(void)talk;
	(void)request;
	(*(uint32_t *)context)++;
}

/* A full relay is asked by one record of each conversation, however many wait. */
static void test_relay_full_for_long(void **state)
{
	struct world *world = settled(632);
	uint32_t requests = 0;

	(void)state;
	fake_relay_refuse(world_relay(world), WIRE_STATUS_FULL, UINT32_MAX);
	for (uint32_t text = 10; text < 30; text++)
		assert_true(world_send(world, 0, 1, text));
	world_run(world, 10);
	assert_int_equal(problems_of(world, 0), BIT(RELAY_FULL));
	world_listen(world, count_request, &requests);
	world_run(world, 100);
	world_listen(world, NULL, NULL);
	assert_int_equal(problems_of(world, 0), BIT(RELAY_FULL));
	/* After 2, 4, 8, then each 16 seconds, or a little later. */
	assert_in_range(requests, 5, 9);
	fake_relay_refuse(world_relay(world), WIRE_STATUS_FULL, 0);
	world_run(world, 30);
	assert_int_equal(problems_of(world, 0), 0);
	for (uint32_t text = 10; text < 30; text++)
		assert_int_equal(world_received(world, 0, 1, text), 1);
	world_destroy(world);
}

/* Who comes back to what several requests can answer does not take the room that there is with the first one, for ever. */
static void test_relay_busy(void **state)
{
	struct world *world = settled(633);
	uint32_t requests = 0;

	(void)state;
	fake_relay_refuse(world_relay(world), WIRE_STATUS_BUSY, UINT32_MAX);
	assert_true(world_send(world, 0, 1, 1));
	world_listen(world, count_request, &requests);
	world_run(world, 100);
	world_listen(world, NULL, NULL);
	/* As where it is full. */
	assert_in_range(requests, 5, 9);
	fake_relay_refuse(world_relay(world), WIRE_STATUS_BUSY, 0);
	world_run(world, 30);
	assert_int_equal(problems_of(world, 0), 0);
	assert_int_equal(world_received(world, 0, 1, 1), 1);
	world_destroy(world);
}

static void test_refused(void **state)
{
	struct world *world = settled(635);

	(void)state;
	fake_relay_refuse(world_relay(world), WIRE_STATUS_REFUSED, 1);
	assert_true(world_send(world, 0, 1, 1));
	world_run_ms(world, 200);
	assert_int_equal(problems_of(world, 0), BIT(REFUSED));
	/* It asks how the link stands; that is well, and what was refused is asked again. */
	world_run(world, 30);
	assert_int_equal(problems_of(world, 0), 0);
	assert_int_equal(world_received(world, 0, 1, 1), 1);
	world_destroy(world);
}

static void clock_differs(struct world *world, uint32_t number, int64_t by_ms)
{
	world_phone(world, number)->clock_offset_ms = by_ms;
	relink(world, number);
}

/* What a phone states would not be believed by whom it lets in: those whose clocks are right do it. */
static void test_clock(void **state)
{
	static const int64_t off_ms[] = {600001, -600001};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(off_ms); i++) {
		struct world *world = settled(650 + i);

		clock_differs(world, 1, off_ms[i] < 0 ? -600000 : 600000);
		assert_int_equal(problems_of(world, 1), 0);
		for (uint32_t k = 0; k < 3; k++)
			clock_differs(world, k, off_ms[i]);
		for (uint32_t k = 0; k < 3; k++)
			assert_int_equal(problems_of(world, k), BIT(CLOCK));
		/* Where all differ it may be the relay's: nobody comes in, and all else goes on. */
		assert_true(world_send(world, 0, 1, 1));
		world_invite(world, 3);
		world_join(world, 3);
		world_run(world, 120);
		assert_int_equal(world_received(world, 0, 1, 1), 1);
		assert_int_equal(state_of(world, 3), TALK_JOINING);
		clock_differs(world, 2, 0);
		world_run(world, 120);
		assert_int_equal(problems_of(world, 2), 0);
		assert_int_equal(problems_of(world, 1), BIT(CLOCK));
		assert_int_equal(state_of(world, 3), TALK_MEMBER);
		world_destroy(world);
	}
}

static void test_lost(void **state)
{
	struct world *world = settled(640);

	(void)state;
	links(world, 3, false);
	world_run(world, 1);
	fake_relay_lose(world_relay(world));
	links(world, 3, true);
	world_run(world, 10);
	/* Whose drops were read anew says so. */
	assert_int_equal(problems_of(world, 0), BIT(LOST));
	assert_int_equal(problems_of(world, 1), BIT(LOST));
	all_write(world, 2, UINT32_MAX, 1);
	/* The next link finds everything where it was. */
	links(world, 3, false);
	world_run(world, 1);
	links(world, 3, true);
	world_run(world, 10);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(problems_of(world, i), 0);
	world_destroy(world);
}

/*
 * Its own two signatures accuse it, and that is never forgotten. What it has not got any more goes there again as after
 * a loss, and everything works.
 */
static void test_contradiction(void **state)
{
	struct world *world = settled(645);

	(void)state;
	world_link(world, 0, false);
	world_run(world, 1);
	assert_true(world_send(world, 1, 0, 1));
	world_run(world, 5);
	fake_relay_rewrite(world_relay(world));
	world_link(world, 0, true);
	world_run(world, 10);
	assert_int_equal(problems_of(world, 0), BIT(CONTRADICTION) | BIT(LOST));
	assert_int_equal(world_received(world, 1, 0, 1), 0);
	world_restart(world_phone(world, 0));
	assert_int_equal(problems_of(world, 0), BIT(CONTRADICTION));
	/* Its author sees it, too, on his next link. */
	relink(world, 1);
	relink(world, 2);
	world_run(world, 60);
	assert_int_equal(world_received(world, 1, 0, 1), 1);
	assert_int_equal(world_sent_state(world, 1, 0, 1), TALK_MESSAGE_DELIVERED);
	all_write(world, 3, UINT32_MAX, 2);
	for (uint32_t i = 0; i < 3; i++)
		assert_true((problems_of(world, i) & BIT(CONTRADICTION)) != 0);
	world_destroy(world);
}

/* It has less than it served: what is gone goes there again, and what is said then is read by all. */
static void test_set_back(void **state)
{
	(void)state;
	for (uint64_t seed = 6480; seed < 6490; seed++) {
		struct world *world = settled(seed);

		assert_true(world_send(world, 1, 0, 1));
		world_run(world, 5);
		assert_int_equal(world_received(world, 1, 0, 1), 1);
		links(world, 3, false);
		world_run(world, 1);
		for (uint64_t i = 0; i <= seed % 4; i++)
			fake_relay_set_back(world_relay(world));
		assert_int_equal(problems_of(world, 0), 0);
		links(world, 3, true);
		world_run(world, 90);
		for (uint32_t i = 0; i < 3; i++)
			assert_int_equal(problems_of(world, i), BIT(CONTRADICTION) | BIT(LOST));
		all_write(world, 3, UINT32_MAX, 2);
		assert_int_equal(world_received(world, 1, 0, 1), 1);
		world_destroy(world);
	}
}

/* What this phone asks. */
struct counted {
	const struct talk *of;
	uint32_t count;
};

static void count_requests(void *context, const struct talk *talk, struct bytes request)
{
	struct counted *counted = context;

	(void)request;
	counted->count += talk == counted->of;
}

/* Other histories again and again, in many batches: each costs a few requests, and no more in its 15 s. */
static void test_contradiction_is_no_work(void **state)
{
	struct world *world = settled(646);
	struct counted counted = {0};

	(void)state;
	world_link(world, 0, false);
	world_run(world, 1);
	for (uint32_t text = 1; text <= 12; text++)
		assert_true(world_send(world, 1, 0, text));
	world_run(world, 5);
	counted.of = talk_of(world, 0);
	world_listen(world, count_requests, &counted);
	world_link(world, 0, true);
	world_run(world, 30);
	for (uint32_t i = 0; i < 20; i++) {
		fake_relay_rewrite(world_relay(world));
		relink(world, 0);
		world_run(world, 30);
		assert_true((problems_of(world, 0) & BIT(CONTRADICTION)) != 0);
	}
	printf("# %u requests at 20 other histories\n", counted.count);
	assert_in_range(counted.count, 20 * 5, 20 * 40);
	world_destroy(world);
}

/*
 * Nothing of it is taken; what comes with the right signature is. Shown for as long as the drop that it was
 * about has not been read to its end.
 */
static void test_bad_signature(void **state)
{
	struct world *world = settled(650);

	(void)state;
	assert_true(world_send(world, 2, 0, 1));
	world_run(world, 10);
	fake_relay_forge(world_relay(world), true);
	assert_true(world_send(world, 1, 0, 1));
	world_run(world, 20);
	assert_int_equal(problems_of(world, 0), BIT(BAD_RELAY));
	assert_int_equal(world_received(world, 1, 0, 1), 0);
	relink(world, 0);
	assert_int_equal(problems_of(world, 0), BIT(BAD_RELAY));
	fake_relay_forge(world_relay(world), false);
	world_run(world, 20);
	assert_int_equal(world_received(world, 1, 0, 1), 1);
	/* A minute for somebody to see it. */
	assert_int_equal(problems_of(world, 0), BIT(BAD_RELAY));
	world_run(world, 60);
	assert_int_equal(problems_of(world, 0), 0);
	world_destroy(world);
}

/* Another conversation is well meanwhile: that says nothing of this one. */
static void test_bad_signature_of_one_drop(void **state)
{
	struct world *world = settled(651);
	const struct talk_drop *drop;

	(void)state;
	all_write(world, 3, UINT32_MAX, 1);
	drop = &direct_of(world, 0, 1)->drops[0];
	fake_relay_forge(world_relay(world), true);
	assert_true(world_send(world, 1, 0, 2));
	while (!drop->unsigned_batch)
		world_run_ms(world, 1);
	fake_relay_forge(world_relay(world), false);
	assert_true(world_send(world, 2, 0, 2));
	while (world_received(world, 2, 0, 2) == 0)
		world_run_ms(world, 1);
	assert_true(drop->unsigned_batch);
	assert_int_equal(problems_of(world, 0), BIT(BAD_RELAY));
	world_run(world, 62);
	assert_int_equal(problems_of(world, 0), 0);
	assert_int_equal(world_received(world, 1, 0, 2), 1);
	world_destroy(world);
}

static void test_old_key(void **state)
{
	struct world *world = settled(655);

	(void)state;
	world_link(world, 1, false);
	world_run(world, 1);
	revoke(world, 2);
	world_run(world, 30);
	assert_int_equal(fake_relay_number(world_relay(world)), 2);
	world_link(world, 1, true);
	for (uint32_t ms = 0; problems_of(world, 1) == 0; ms++) {
		assert_true(ms < 1000);
		world_run_ms(world, 1);
	}
	assert_int_equal(problems_of(world, 1), BIT(OLD_KEY));
	assert_int_equal(authority(world, 1), WIRE_AUTHORITY_CATCH_UP);
	world_run(world, 20);
	assert_int_equal(authority(world, 1), WIRE_AUTHORITY_FULL);
	assert_int_equal(problems_of(world, 1), 0);
	world_destroy(world);
}

/* ---- What the ledger says ---- */

static bool one_person(struct world *world, uint32_t number)
{
	struct talk_status status;

	talk_status(talk_of(world, number), &status);
	return (status.problems & BIT(ONE_PERSON)) != 0;
}

static void test_one_person(void **state)
{
	struct world *world = settled(660);
	struct talk *talk = talk_of(world, 0);
	union ledger_body body = {0};
	struct ledger_admin_keys keys[3];
	struct talk_blob entry = {0};

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		const uint8_t *key = talk_of(world, i)->identity.public_key;
		uint32_t place = i;

		assert_true(one_person(world, i));
		for (; place > 0 && memcmp(keys[place - 1].key, key, LEDGER_KEY_LEN) > 0; place--)
			keys[place] = keys[place - 1];
		memcpy(keys[place].key, key, LEDGER_KEY_LEN);
		assert_int_equal(talk_package_rotation(talk, key, keys[place].rotation), SOTTO_OK);
	}
	body.admins = (struct ledger_admins){.threshold = 2, .keys = {.items = keys, .count = 3}};
	assert_int_equal(talk_entry_make(talk, LEDGER_ADMINS, &body, &entry), SOTTO_OK);
	assert_int_equal(talk_act(talk, talk_blob_bytes(&entry), world_now(world), talk->utc_ms),
			 SOTTO_OK);
	world_settle(world_phone(world, 0));
	talk_blob_clear(talk, &entry);
	world_run(world, 10);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(ledger_threshold(talk_ledger(talk_of(world, i))), 2);
		assert_false(one_person(world, i));
		world_restart(world_phone(world, i));
		assert_false(one_person(world, i));
	}
	world_destroy(world);
}

struct silence {
	uint32_t commits;
	bool spoke;
};

/* A phone with a group that holds a leaf that the ledger does not allow sends one thing there: the removal. */
static void listen_blocked(void *context, const struct talk *talk, struct bytes request)
{
	struct silence *silence = context;
	uint8_t name[WIRE_HASH_LEN];
	struct bytes sealed;

	if (!append_read(request, name, &sealed))
		return;
	list_for_each (element, following, &talk->groups) {
		const struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		if (memcmp(group->drops[0].name, name, WIRE_HASH_LEN) != 0 || !group->blocked)
			continue;
		if (group->pending.count == 1 &&
		    bytes_equal(sealed, talk_blob_bytes(&group->pending.items[0])))
			silence->commits++;
		else
			silence->spoke = true;
	}
}

/* Phone 1 knows that phone 2 is out, and holds its leaf in *everyone*. */
static bool holds_revoked(struct world *world, const uint8_t *key)
{
	const struct talk *talk = talk_of(world, 1);
	struct mls_member member;

	return !ledger_allows_leaf(talk->ledger, key, false) &&
	       mls_group_find_member(talk->everyone->mls, BYTES(key, LEDGER_KEY_LEN), &member) ==
		       SOTTO_OK;
}

/*
 * The founder takes a phone out, and wants to say more in *everyone* at the moment when it reads its own entry
 * back: it waits for the removal, its own or, where its rank is second, the other one's.
 */
static void test_blocked_leaf(void **state)
{
	uint32_t waited = 0, committed = 0, told = 0;

	(void)state;
	for (uint64_t seed = 670; seed < 690; seed++) {
		struct world *world = settled(seed);
		struct world_phone *founder = world_phone(world, 0);
		const struct talk_group *everyone = founder->talk->everyone;
		struct silence silence = {0};
		uint8_t key[LEDGER_KEY_LEN];
		bool shown = false;

		memcpy(key, talk_of(world, 2)->identity.public_key, sizeof(key));

		world_listen(world, listen_blocked, &silence);
		revoke(world, 2);
		while (!everyone->blocked)
			world_run_ms(world, 1);
		assert_int_equal(problems_of(world, 0), BIT(BLOCKED_LEAF));
		assert_int_equal(talk_invite(founder->talk, 106, BYTES_TEXT("Dee"), 86400000,
					     world_now(world), founder->talk->utc_ms),
				 SOTTO_OK);
		waited += everyone->pending.count == 0;
		world_settle(founder);
		for (uint32_t ms = 0; ms < 1000; ms++) {
			bool shows;

			world_run_ms(world, 1);
			shows = (problems_of(world, 1) & BIT(BLOCKED_LEAF)) != 0;
			assert_true(shows || !holds_revoked(world, key));
			shown = shown || shows;
		}
		world_run(world, 30);
		assert_false(silence.spoke);
		/* Not where the removal reaches the phone in the same moment as the entry: it never held it. */
		told += shown;
		assert_int_equal(problems_of(world, 0), 0);
		assert_int_equal(problems_of(world, 1), 0);
		/* What waited has gone out. */
		assert_int_equal(founder->invited, 106);
		committed += silence.commits > 0;
		world_destroy(world);
	}
	assert_true(waited > 0 && committed > 0 && told > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forked),
		cmocka_unit_test(test_withheld),
		cmocka_unit_test(test_withheld_commit),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_old),
		cmocka_unit_test(test_old_entry),
		cmocka_unit_test(test_relay_full),
		cmocka_unit_test(test_relay_full_for_long),
		cmocka_unit_test(test_relay_busy),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_contradiction),
		cmocka_unit_test(test_set_back),
		cmocka_unit_test(test_contradiction_is_no_work),
		cmocka_unit_test(test_bad_signature),
		cmocka_unit_test(test_old_key),
		cmocka_unit_test(test_bad_signature_of_one_drop),
		cmocka_unit_test(test_old_for_a_day),
		cmocka_unit_test(test_one_person),
		cmocka_unit_test(test_blocked_leaf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
