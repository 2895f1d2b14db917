/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two members of one group: Alice creates it and adds Bob, they exchange messages, Bob renews his keys.
 *
 *	cc two_members.c $(pkg-config --cflags --libs sotto-mls)
 *
 * Both live in this one process; what would travel between them through a delivery service is passed by
 * hand. The library does no input or output: each call takes bytes or makes them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sotto/mls.h>

#define SUITE MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519

struct person {
	const char *name;
	struct mls_identity identity;
	struct mls_group *group;
};

/* An example ends at the first error; a program would handle it. */
static void must(enum sotto_err err, const char *what)
{
	if (err == SOTTO_OK)
		return;
	fprintf(stderr, "%s: %s\n", what, sotto_err_text(err));
	exit(1);
}

static struct mls_leaf_options leaf_of(const struct person *person)
{
	return (struct mls_leaf_options){
		.identity = &person->identity,
		.credential = {MLS_CREDENTIAL_BASIC,
			       sotto_bytes(person->name, strlen(person->name))},
		.lifetime = {0, UINT64_MAX},
	};
}

/*
 * A handshake message comes in: look at it, then merge it. Between the two a program decides whether it
 * trusts the leaves that the message brings.
 */
static void follow(struct person *person, struct bytes message)
{
	struct mls_staged *staged = NULL;
	struct mls_staged_info info;

	must(mls_group_receive(person->group, message, &staged), "receive");
	mls_staged_info(staged, &info);
	printf("%s: member %u commits, %zu change(s)\n", person->name, info.sender, info.changes);
	must(mls_group_merge(person->group, &staged), "merge");
}

static void say(struct person *from, struct person *to, const char *text)
{
	struct bytes plaintext = sotto_bytes(text, strlen(text));
	struct bytes beside = sotto_bytes("sent today", 10); /* authenticated, not encrypted */
	size_t room = mls_group_protect_len(from->group, beside.len, plaintext.len, 0);
	struct mls_application opened;
	uint8_t *message = malloc(room);
	uint8_t *out = malloc(room);
	size_t len;

	if (message == NULL || out == NULL)
		exit(1);
	must(mls_group_protect(from->group, beside, plaintext, 0, message, room, &len), "protect");
	must(mls_group_unprotect(to->group, sotto_bytes(message, len), out, room, &opened),
	     "unprotect");
	printf("%s: \"%.*s\" from %.*s\n", to->name, (int)opened.plaintext.len,
	       (const char *)opened.plaintext.data, (int)opened.member.credential.content.len,
	       (const char *)opened.member.credential.content.data);
	free(message);
	free(out);
}

/* Alice adds Bob by his key package; he joins by the welcome that comes with her commit. */
static void add(const struct mls_config *config, struct person *alice, struct person *bob)
{
	struct mls_buffer package = {0}, commit = {0}, welcome = {0};
	struct mls_key_package_secrets secrets;
	struct mls_leaf_options leaf = leaf_of(bob);
	struct bytes adds[1];
	struct mls_commit_options what = {.add = adds, .add_count = 1};
	struct mls_join_options how;

	must(mls_key_package_create(config, &leaf, NULL, 0, &package, &secrets), "key package");
	adds[0] = mls_buffer_bytes(&package);
	must(mls_group_commit(alice->group, &what, &commit, &welcome), "commit");
	/* The delivery service has accepted the commit: only now does it count, and the welcome goes out. */
	must(mls_group_apply_pending(alice->group), "apply");

	how = (struct mls_join_options){
		.welcome = mls_buffer_bytes(&welcome),
		.key_package = adds[0],
		.secrets = &secrets,
		.identity = &bob->identity,
	};
	must(mls_group_join(config, &how, &bob->group), "join");
	mls_key_package_secrets_wipe(&secrets);
	mls_buffer_release(&package);
	mls_buffer_release(&commit);
	mls_buffer_release(&welcome);
}

static void renew(struct person *who, struct person *other)
{
	struct mls_buffer commit = {0}, welcome = {0};
	struct mls_commit_options what = {.path = true};

	must(mls_group_commit(who->group, &what, &commit, &welcome), "commit");
	must(mls_group_apply_pending(who->group), "apply");
	follow(other, mls_buffer_bytes(&commit));
	mls_buffer_release(&commit);
	mls_buffer_release(&welcome);
}

/* Members of one epoch have the same authenticator; people may compare it by other means. */
static void compare(const struct person *alice, const struct person *bob)
{
	uint8_t ours[MLS_HASH_LEN_MAX], theirs[MLS_HASH_LEN_MAX];
	struct mls_context context;

	mls_group_epoch_authenticator(alice->group, ours);
	mls_group_epoch_authenticator(bob->group, theirs);
	if (memcmp(ours, theirs, mls_suite_hash_len(SUITE)) != 0)
		exit(1);
	mls_group_context(alice->group, &context);
	printf("epoch %llu: both agree, %02x%02x%02x%02x...\n", (unsigned long long)context.epoch,
	       ours[0], ours[1], ours[2], ours[3]);
}

int main(void)
{
	struct mls_config config = {
		.allocator = sotto_allocator_malloc(),
		.random = sotto_random_kernel(),
		.limits = *mls_limits_default(),
	};
	struct person alice = {.name = "Alice"}, bob = {.name = "Bob"};
	struct mls_leaf_options leaf;

	must(mls_init(), "init");
	must(mls_identity_generate(&config, SUITE, &alice.identity), "identity");
	must(mls_identity_generate(&config, SUITE, &bob.identity), "identity");
	leaf = leaf_of(&alice);
	must(mls_group_create(&config, sotto_bytes("example", 7), &leaf, NULL, 0, &alice.group),
	     "create");
	add(&config, &alice, &bob);
	compare(&alice, &bob);
	say(&alice, &bob, "Hello, Bob.");
	say(&bob, &alice, "Hello, Alice.");
	renew(&bob, &alice);
	compare(&alice, &bob);
	say(&alice, &bob, "New keys, old friends.");

	mls_group_destroy(alice.group);
	mls_group_destroy(bob.group);
	sotto_wipe(&alice.identity, sizeof(alice.identity));
	sotto_wipe(&bob.identity, sizeof(bob.identity));
	return 0;
}
