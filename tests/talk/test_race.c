/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fifty phones in one group, of whom many want something of it at nearly the same time: in the end all are in one
 * epoch, and of the commits that were made few were in vain. How few follows from the rule (commit.c):
 *
 *   burst   what only one phone wishes it commits at once: of W that wish at once one wins, W - 1 lose, once each
 *   after   who lost waits rank x 250 ms in the new epoch, and no two have a rank. A commit that is on its way shorter
 *           than that has nobody beside it. Each part more, and who comes into the epoch later than the others, is one
 *           neighbour that may be
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sparse.h"
#include "tests/talk/circle.h"
#include "tests/talk/steps.h"

#define PHONES	50
#define STAY	25 /* who wishes; the others come and go */
#define WISHERS 10
#define BURSTS	(4 / SPARSE(2))
#define CHANGES (BURSTS * (PHONES - STAY)) /* of membership */
#define MS_MAX	200			   /* between the first wish of a burst and the last */
#define WAY_MS	60			   /* to the relay, or from it: world.c */

_Static_assert(CHANGES == 100 / SPARSE(2), "a hundred changes");

#define ALL   (PHONE(PHONES) - 1)
#define STAYS (PHONE(STAY) - 1)

/* What leaves the phones for this group: commits, and how many records the longest one has. */
static struct {
	uint8_t group[TALK_CONVERSATION_ID_LEN];
	uint8_t seen[4096][32];
	size_t commits, parts;
} sent;

static void request_sent(void *context, const struct talk *talk, struct bytes request)
{
	const struct talk_group *group = talk_group_by_id(talk, sent.group);
	const struct talk_records *pending;
	struct bytes sealed;
	uint8_t name[WIRE_HASH_LEN];

	(void)context;
	if (group == NULL || group->pending.count == 0 || !append_read(request, name, &sealed))
		return;
	pending = &group->pending;
	if (!bytes_equal(sealed, talk_blob_bytes(&pending->items[0])))
		return;
	/* By its nonce; sent again, it is no other one. */
	for (size_t i = 0; i < sent.commits; i++) {
		if (memcmp(sent.seen[i], sealed.data, sizeof(sent.seen[i])) == 0)
			return;
	}
	assert_true(sent.commits < ARRAY_LEN(sent.seen));
	memcpy(sent.seen[sent.commits++], sealed.data, sizeof(sent.seen[0]));
	sent.parts = pending->count > sent.parts ? pending->count : sent.parts;
}

/* Each of those who go or come is wished so by one of the wishers, all of them within MS_MAX. */
static void burst(struct circle *circle, uint32_t number)
{
	for (uint32_t i = 0; i < PHONES - STAY; i++) {
		uint32_t by = (i + 7 * number) % WISHERS;
		circle_phones whom = PHONE(STAY + i);
		enum sotto_err err = number % 2 == 0 ? circle_remove(circle, by, whom)
						     : circle_add(circle, by, whom);

		assert_int_equal(err, SOTTO_OK);
		if (i + 1 < PHONES - STAY)
			world_run_ms(circle->world, MS_MAX / (PHONES - STAY - 1));
	}
}

static void test_hundred_changes(void **state)
{
	uint64_t discarded, epochs, bound, beside;
	struct circle circle;

	(void)state;
	circle_begin(&circle, 1, PHONES, ALL & ~PHONE(0));
	for (uint32_t s = 0; !circle_holds(&circle, ALL, "Harbour"); s++) {
		assert_true(s < 10);
		world_run(circle.world, 60);
	}
	memcpy(sent.group, circle.id, sizeof(sent.group));
	world_listen(circle.world, request_sent, NULL);
	discarded = circle_discarded(&circle);
	epochs = circle_group(&circle, 0)->drops[0].epoch;
	for (uint32_t i = 0; i < BURSTS; i++) {
		burst(&circle, i);
		for (uint32_t s = 0; !circle_holds(&circle, i % 2 == 0 ? STAYS : ALL, "Harbour");
		     s++) {
			assert_true(s < 10);
			world_run(circle.world, 60);
		}
	}
	world_run(circle.world, 60);
	assert_true(circle_holds(&circle, ALL, "Harbour"));
	for (uint32_t i = 0; i < PHONES; i++) {
		assert_int_equal(state_of(circle.world, i), TALK_MEMBER);
		assert_int_equal(problems_of(circle.world, i), 0);
		assert_false(circle_group(&circle, i)->update_due);
	}
	discarded = circle_discarded(&circle) - discarded;
	epochs = circle_group(&circle, 0)->drops[0].epoch - epochs;
	/* Until everybody has read it a commit has so many neighbours in rank. */
	beside = (sent.parts * 2 + 1) * WAY_MS / TALK_RANK_MS;
	bound = BURSTS * (WISHERS - 1) + epochs * beside + (PHONES - STAY) * BURSTS / 2;
	print_message(
		"# %u changes wished by %u of %u phones: %zu commits, of at most %zu records; "
		"%llu won, %llu discarded, of at most %llu\n",
		CHANGES, WISHERS, PHONES, sent.commits, sent.parts, (unsigned long long)epochs,
		(unsigned long long)discarded, (unsigned long long)bound);
	assert_true(discarded <= bound);
	assert_int_equal(sent.commits, epochs + discarded);
	circle_end(&circle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hundred_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
