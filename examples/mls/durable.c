/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A member that lives longer than its process: saving, reserving generations, restart.
 *
 *	cc durable.c $(pkg-config --cflags --libs sotto-mls) && ./a.out DIRECTORY
 *
 * Alice's group is in memory only. Bob's is stored in DIRECTORY, in the library's two parts:
 *
 *	epoch part	changes with commits and proposals
 *	ratchet part	changes with messages; says which of our generations are reserved
 *
 * No message key may be used twice, so Bob reserves a few generations in storage before he sends, and the
 * library refuses to send what is not reserved (SOTTO_ERR_AGAIN). Here his process "dies" twice, each time
 * with messages sent that no file knows of; he goes on behind all that he had reserved.
 */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sotto/mls.h>

#define SUITE MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519

/* Generations reserved by one save: so many messages cost one write, and a crash loses at most as many. */
#define AHEAD 4

static const char *directory;

static void must(enum sotto_err err, const char *what)
{
	if (err == SOTTO_OK)
		return;
	fprintf(stderr, "%s: %s\n", what, sotto_err_text(err));
	exit(1);
}

static void must_system(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

/* ---- Storage: both parts in one file, replaced as a whole ---- */

static void put(FILE *file, struct bytes part)
{
	unsigned long long len = part.len;

	must_system(fwrite(&len, sizeof(len), 1, file) == 1, "write");
	must_system(fwrite(part.data, 1, part.len, file) == part.len, "write");
}

struct part {
	uint8_t *data;
	size_t len;
};

static struct part get(FILE *file)
{
	unsigned long long len;
	struct part part;

	must_system(fread(&len, sizeof(len), 1, file) == 1, "read");
	part.len = (size_t)len;
	part.data = malloc(part.len);
	must_system(part.data != NULL && fread(part.data, 1, part.len, file) == part.len, "read");
	return part;
}

static void forget(struct part *part)
{
	sotto_wipe(part->data, part->len);
	free(part->data);
}

static void path_of(const char *name, char *path, size_t room)
{
	must_system(snprintf(path, room, "%s/%s", directory, name) < (int)room, "path");
}

/* The parts hold secrets: a program would seal them under a key of its own. */
static void store(struct mls_group *group)
{
	struct mls_buffer epoch_part = {0}, ratchet_part = {0};
	char new_path[4096], path[4096];
	FILE *file;
	int folder;

	must(mls_group_save(group, &epoch_part), "save");
	must(mls_group_save_ratchets(group, AHEAD, &ratchet_part), "save ratchets");
	path_of("bob.new", new_path, sizeof(new_path));
	path_of("bob", path, sizeof(path));
	umask(077);
	file = fopen(new_path, "wb");
	must_system(file != NULL, new_path);
	put(file, mls_buffer_bytes(&epoch_part));
	put(file, mls_buffer_bytes(&ratchet_part));
	must_system(fflush(file) == 0 && fsync(fileno(file)) == 0 && fclose(file) == 0, new_path);
	must_system(rename(new_path, path) == 0, path);
	folder = open(directory, O_RDONLY | O_DIRECTORY);
	must_system(folder >= 0 && fsync(folder) == 0 && close(folder) == 0, directory);
	/* It is durable now, and not a moment before. */
	mls_group_ratchets_stored(group);
	mls_buffer_release(&epoch_part);
	mls_buffer_release(&ratchet_part);
}

static struct mls_group *restart(const struct mls_config *config)
{
	struct part epoch_part, ratchet_part;
	struct mls_group *group = NULL;
	char path[4096];
	FILE *file;

	path_of("bob", path, sizeof(path));
	file = fopen(path, "rb");
	must_system(file != NULL, path);
	epoch_part = get(file);
	ratchet_part = get(file);
	fclose(file);
	must(mls_group_load(config, sotto_bytes(NULL, 0),
			    sotto_bytes(epoch_part.data, epoch_part.len),
			    sotto_bytes(ratchet_part.data, ratchet_part.len), &group),
	     "load");
	forget(&epoch_part);
	forget(&ratchet_part);
	return group;
}

/* ---- Sending and receiving ---- */

static void send_one(struct mls_group *bob, struct mls_group *alice, unsigned number)
{
	static uint64_t next_generation;
	struct bytes nothing = sotto_bytes(NULL, 0);
	uint8_t message[1024], out[1024], text[32];
	size_t text_len = (size_t)snprintf((char *)text, sizeof(text), "message %u", number);
	struct mls_application opened;
	enum sotto_err err;
	size_t len;

	err = mls_group_protect(bob, nothing, sotto_bytes(text, text_len), 0, message,
				sizeof(message), &len);
	if (err == SOTTO_ERR_AGAIN) {
		store(bob);
		err = mls_group_protect(bob, nothing, sotto_bytes(text, text_len), 0, message,
					sizeof(message), &len);
	}
	must(err, "protect");
	must(mls_group_unprotect(alice, sotto_bytes(message, len), out, sizeof(out), &opened),
	     "unprotect");
	printf("%.*s, generation %u\n", (int)opened.plaintext.len,
	       (const char *)opened.plaintext.data, opened.generation);
	if (opened.generation < next_generation)
		exit(1);
	next_generation = (uint64_t)opened.generation + 1;
}

static struct mls_leaf_options leaf_of(const struct mls_identity *identity, const char *name)
{
	return (struct mls_leaf_options){
		.identity = identity,
		.credential = {MLS_CREDENTIAL_BASIC, sotto_bytes(name, strlen(name))},
		.lifetime = {0, UINT64_MAX},
	};
}

static void make_group(const struct mls_config *alices, const struct mls_config *bobs,
		       struct mls_group **alice, struct mls_group **bob)
{
	struct mls_buffer package = {0}, commit = {0}, welcome = {0};
	struct mls_key_package_secrets secrets;
	struct mls_identity alice_identity = {0}, bob_identity = {0};
	struct mls_leaf_options alice_leaf = leaf_of(&alice_identity, "Alice");
	struct mls_leaf_options bob_leaf = leaf_of(&bob_identity, "Bob");
	struct bytes adds[1];
	struct mls_commit_options what = {.add = adds, .add_count = 1};
	struct mls_join_options how = {.secrets = &secrets, .identity = &bob_identity};

	must(mls_identity_generate(alices, SUITE, &alice_identity), "identity");
	must(mls_identity_generate(bobs, SUITE, &bob_identity), "identity");
	must(mls_group_create(alices, sotto_bytes("durable", 7), &alice_leaf, NULL, 0, alice),
	     "create");
	must(mls_key_package_create(bobs, &bob_leaf, NULL, 0, &package, &secrets), "key package");
	adds[0] = mls_buffer_bytes(&package);
	must(mls_group_commit(*alice, &what, &commit, &welcome), "commit");
	must(mls_group_apply_pending(*alice), "apply");
	how.key_package = adds[0];
	how.welcome = mls_buffer_bytes(&welcome);
	must(mls_group_join(bobs, &how, bob), "join");
	mls_key_package_secrets_wipe(&secrets);
	sotto_wipe(&alice_identity, sizeof(alice_identity));
	sotto_wipe(&bob_identity, sizeof(bob_identity));
	mls_buffer_release(&package);
	mls_buffer_release(&commit);
	mls_buffer_release(&welcome);
}

int main(int argc, char **argv)
{
	struct mls_config volatile_config = {
		.allocator = sotto_allocator_malloc(),
		.random = sotto_random_kernel(),
		.limits = *mls_limits_default(),
	};
	struct mls_config durable_config = volatile_config;
	struct mls_group *alice = NULL, *bob = NULL;
	unsigned number = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: durable DIRECTORY\n");
		return 2;
	}
	directory = argv[1];
	durable_config.reserve_before_send = true;
	must(mls_init(), "init");
	make_group(&volatile_config, &durable_config, &alice, &bob);
	/* A new epoch begins with nothing reserved. */
	store(bob);
	for (int life = 0; life < 3; life++) {
		for (int i = 0; i < 6; i++)
			send_one(bob, alice, number++);
		/* The process dies: what is in memory is gone, and nobody could save it. */
		mls_group_destroy(bob);
		bob = restart(&durable_config);
		printf("restarted\n");
	}
	mls_group_destroy(alice);
	mls_group_destroy(bob);
	return 0;
}
