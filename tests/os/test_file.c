/* SPDX-License-Identifier: Apache-2.0 */
/* Directories and small files: who may own them, the lock, replacing whole, a full disk;
 * passphrases. */
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/assert.h"
#include "os/descriptor.h"
#include "os/file.h"
#include "os/terminal.h"

struct fixture {
	char path[64];
	struct os_directory *directory;
};

static int set_up(void **state)
{
	static struct fixture fixture;

	strcpy(fixture.path, "/tmp/sotto-test-XXXXXX");
	assert_non_null(mkdtemp(fixture.path));
	assert_int_equal(os_directory_open(fixture.path, false, &fixture.directory), SOTTO_OK);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	char command[128];

	os_directory_close(fixture->directory);
	(void)snprintf(command, sizeof(command), "rm -rf %s", fixture->path);
	return system(command);
}

static void assert_contents(struct os_directory *directory, const char *name, struct bytes expected)
{
	uint8_t *data = NULL;
	size_t len = 0;

	assert_int_equal(
		os_file_read(directory, name, OS_FILE_LEN_MAX, &allocator_default, &data, &len),
		SOTTO_OK);
	assert_true(bytes_equal(BYTES(data, len), expected));
	allocator_give(&allocator_default, data, len);
}

static void test_directories(void **state)
{
	static const struct {
		const char *below; /* of the fixture's directory */
		mode_t mode;	   /* made with it first, 0: not made */
		bool create;
		enum sotto_err err;
	} table[] = {
		{"a", 0, false, SOTTO_ERR_NOT_FOUND}, {"a/b/c", 0, true, SOTTO_OK},
		{"a/b/c/", 0, true, SOTTO_OK},	      {"d", 0700, true, SOTTO_OK},
		{"e", 0755, false, SOTTO_OK},	      {"f", 0770, false, SOTTO_ERR_DENIED},
		{"g", 0707, true, SOTTO_ERR_DENIED},
	};
	struct fixture *fixture = *state;
	struct os_directory *directory;
	char path[128];
	struct stat status;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		directory = NULL;
		(void)snprintf(path, sizeof(path), "%s/%s", fixture->path, table[i].below);
		if (table[i].mode != 0) {
			assert_int_equal(mkdir(path, 0700), 0);
			assert_int_equal(chmod(path, table[i].mode), 0);
		}
		assert_int_equal(os_directory_open(path, table[i].create, &directory),
				 table[i].err);
		assert_int_equal(directory != NULL, table[i].err == SOTTO_OK);
		if (table[i].create && table[i].err == SOTTO_OK) {
			assert_int_equal(stat(path, &status), 0);
			assert_int_equal(status.st_mode & 07777, 0700);
		}
		os_directory_close(directory);
	}
	assert_int_equal(os_directory_open("", true, &directory), SOTTO_ERR_NOT_FOUND);
	assert_int_equal(os_directory_open("/etc/passwd", false, &directory), SOTTO_ERR_NOT_FOUND);
}

static void test_one_lock(void **state)
{
	struct fixture *fixture = *state;
	struct os_directory *second;

	assert_int_equal(os_directory_open(fixture->path, false, &second), SOTTO_OK);
	assert_int_equal(os_directory_lock(fixture->directory), SOTTO_OK);
	assert_int_equal(os_directory_lock(second), SOTTO_ERR_EXISTS);
	os_directory_close(fixture->directory);
	assert_int_equal(os_directory_lock(second), SOTTO_OK);
	fixture->directory = second;
}

static void test_replacing(void **state)
{
	static uint8_t large[300000];
	struct fixture *fixture = *state;
	struct os_directory *directory = fixture->directory;
	uint8_t *data = NULL;
	struct stat status;
	char path[128];
	size_t len = 7;

	memset(large, 'x', sizeof(large));
	assert_false(os_file_exists(directory, "keys"));
	assert_int_equal(os_file_read(directory, "keys", 10, &allocator_default, &data, &len),
			 SOTTO_ERR_NOT_FOUND);
	assert_int_equal(os_file_replace(directory, "keys", BYTES_TEXT("one")), SOTTO_OK);
	assert_contents(directory, "keys", BYTES_TEXT("one"));
	assert_int_equal(os_file_replace(directory, "keys", BYTES_OF(large)), SOTTO_OK);
	assert_contents(directory, "keys", BYTES_OF(large));
	assert_int_equal(os_file_read(directory, "keys", 299999, &allocator_default, &data, &len),
			 SOTTO_ERR_LIMIT);
	assert_int_equal(os_file_replace(directory, "keys", BYTES_NONE), SOTTO_OK);
	assert_contents(directory, "keys", BYTES_NONE);
	assert_true(data == NULL && len == 7);
	(void)snprintf(path, sizeof(path), "%s/keys", fixture->path);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_true(os_file_exists(directory, "keys"));
	assert_int_equal(os_file_remove(directory, "keys"), SOTTO_OK);
	assert_int_equal(os_file_remove(directory, "keys"), SOTTO_ERR_NOT_FOUND);
}

static void test_names_and_links(void **state)
{
	static const char *const names[] = {
		"",
		".",
		"..",
		".hidden",
		"a/b",
		"../a",
		"/etc/passwd",
		"12345678901234567890123456789012345678901234567890123456789012345",
	};
	struct fixture *fixture = *state;
	uint8_t *data = NULL;
	char path[128];
	size_t len;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(os_file_replace(fixture->directory, names[i], BYTES_TEXT("x")),
				 SOTTO_ERR_ARGUMENT);
		assert_int_equal(os_file_read(fixture->directory, names[i], 10000,
					      &allocator_default, &data, &len),
				 SOTTO_ERR_NOT_FOUND);
		assert_int_equal(os_file_remove(fixture->directory, names[i]), SOTTO_ERR_NOT_FOUND);
	}
	/* A link that somebody put there is not followed. */
	(void)snprintf(path, sizeof(path), "%s/link", fixture->path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_not_equal(
		os_file_read(fixture->directory, "link", 100000, &allocator_default, &data, &len),
		SOTTO_OK);
	assert_null(data);
}

/* A limit on file size stands for a full disk everywhere; a small file system, where we may mount
 * one, is one. */
static void test_a_full_disk_keeps_the_old_file(void **state)
{
	static uint8_t large[600000];
	struct fixture *fixture = *state;
	int status;
	pid_t child;

	assert_int_equal(os_file_replace(fixture->directory, "keys", BYTES_TEXT("old")), SOTTO_OK);
	child = fork();
	if (child == 0) {
		struct rlimit limit = {100000, 100000};

		signal(SIGXFSZ, SIG_IGN);
		if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
			_exit(1);
		_exit(os_file_replace(fixture->directory, "keys", BYTES_OF(large)) ==
				      SOTTO_ERR_DISK_FULL
			      ? 0
			      : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_contents(fixture->directory, "keys", BYTES_TEXT("old"));
	assert_false(os_file_exists(fixture->directory, ".keys.new"));
	if (geteuid() != 0 || mount("none", fixture->path, "tmpfs", 0, "size=256k,mode=700") != 0)
		return;
	os_directory_close(fixture->directory);
	assert_int_equal(os_directory_open(fixture->path, false, &fixture->directory), SOTTO_OK);
	assert_int_equal(os_file_replace(fixture->directory, "keys", BYTES_TEXT("old")), SOTTO_OK);
	assert_int_equal(os_file_replace(fixture->directory, "keys", BYTES_OF(large)),
			 SOTTO_ERR_DISK_FULL);
	assert_contents(fixture->directory, "keys", BYTES_TEXT("old"));
	os_directory_close(fixture->directory);
	assert_int_equal(umount(fixture->path), 0);
	assert_int_equal(os_directory_open(fixture->path, false, &fixture->directory), SOTTO_OK);
}

static void test_descriptors(void **state)
{
	struct fixture *fixture = *state;
	uint8_t bytes[16] = {0};
	char path[128];
	uint64_t file_len;
	size_t len;
	int descriptor;

	(void)snprintf(path, sizeof(path), "%s/sound.wav", fixture->path);
	assert_int_equal(os_descriptor_open_read(path, &descriptor), SOTTO_ERR_NOT_FOUND);
	assert_int_equal(os_descriptor_open_read(fixture->path, &descriptor), SOTTO_ERR_EXISTS);
	assert_int_equal(os_descriptor_open_write(fixture->path, &descriptor), SOTTO_ERR_EXISTS);
	assert_int_equal(os_descriptor_open_write(path, &descriptor), SOTTO_OK);
	assert_int_equal(os_descriptor_write_at(descriptor, 4, BYTES_TEXT("data")), SOTTO_OK);
	assert_int_equal(os_descriptor_write_at(descriptor, 0, BYTES_TEXT("RIFF")), SOTTO_OK);
	assert_int_equal(os_descriptor_len(descriptor, &file_len), SOTTO_OK);
	assert_int_equal(file_len, 8);
	assert_int_equal(os_descriptor_read_at(descriptor, 2, bytes, sizeof(bytes), &len),
			 SOTTO_OK);
	assert_int_equal(len, 6);
	assert_memory_equal(bytes, "FFdata", 6);
	assert_int_equal(os_descriptor_read_at(descriptor, 100, bytes, sizeof(bytes), &len),
			 SOTTO_OK);
	assert_int_equal(len, 0);
	os_descriptor_close(descriptor);
	os_descriptor_close(-1);
}

static void test_passphrase_files(void **state)
{
	static char too_long[OS_PASSPHRASE_LEN_MAX + 2];
	const struct {
		struct bytes contents;
		enum sotto_err err;
		const char *text;
	} table[] = {
		{BYTES_TEXT("correct horse\n"), SOTTO_OK, "correct horse"},
		{BYTES_TEXT("correct horse"), SOTTO_OK, "correct horse"},
		{BYTES_TEXT("one\ntwo\n"), SOTTO_OK, "one"},
		{BYTES_TEXT(" spaces \n"), SOTTO_OK, " spaces "},
		{BYTES_TEXT(""), SOTTO_OK, ""},
		{BYTES_TEXT("a\0b\n"), SOTTO_ERR_FORMAT, NULL},
		{BYTES(too_long, OS_PASSPHRASE_LEN_MAX + 1), SOTTO_ERR_LIMIT, NULL},
	};
	struct fixture *fixture = *state;
	struct os_passphrase passphrase;
	char path[128];

	memset(too_long, 'x', sizeof(too_long));
	(void)snprintf(path, sizeof(path), "%s/passphrase", fixture->path);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		assert_int_equal(
			os_file_replace(fixture->directory, "passphrase", table[i].contents),
			SOTTO_OK);
		assert_int_equal(os_passphrase_from_file(path, &passphrase), table[i].err);
		if (table[i].err == SOTTO_OK)
			assert_string_equal(passphrase.text, table[i].text);
	}
	assert_int_equal(os_passphrase_from_file("/nonexistent", &passphrase), SOTTO_ERR_NOT_FOUND);
	os_passphrase_wipe(&passphrase);
	assert_int_equal(passphrase.len, 0);
}

/* What a terminal's other side sees of a child that asks: reads until the text came. */
static void expect(int terminal, const char *text)
{
	char seen[256] = {0};
	size_t len = 0;

	while (strstr(seen, text) == NULL) {
		ssize_t got = read(terminal, seen + len, sizeof(seen) - 1 - len);

		assert_true(got > 0);
		len += (size_t)got;
	}
}

static void test_a_typed_passphrase(void **state)
{
	static const struct {
		const char *typed;
		int status;
	} table[] = {
		{"secret\n", 0},
		{"\004", 2},  /* end of file */
		{"\003", 99}, /* Ctrl-C: the child's handler, when the terminal is as it was */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct termios shown;
		int terminal;
		int status;
		char seen[256];
		ssize_t len;
		pid_t child = forkpty(&terminal, NULL, NULL, NULL);

		assert_true(child >= 0);
		if (child == 0) {
			struct os_passphrase passphrase;
			enum sotto_err err = os_terminal_passphrase("Passphrase: ", &passphrase);

			if (err != SOTTO_OK)
				_exit(2);
			_exit(strcmp(passphrase.text, "secret") == 0 && os_terminal_is_input() ? 0
											       : 3);
		}
		expect(terminal, "Passphrase: ");
		/* Echo goes off just after the prompt. */
		do
			assert_int_equal(tcgetattr(terminal, &shown), 0);
		while ((shown.c_lflag & (tcflag_t)ECHO) != 0);
		assert_int_equal(write(terminal, table[i].typed, strlen(table[i].typed)),
				 strlen(table[i].typed));
		assert_int_equal(waitpid(child, &status, 0), child);
		if (table[i].status == 99)
			assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
		else
			assert_int_equal(status, table[i].status << 8);
		len = read(terminal, seen, sizeof(seen) - 1);
		seen[len > 0 ? len : 0] = '\0';
		assert_null(strstr(seen, "secret"));
		close(terminal);
	}
}

static void test_no_terminal(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		struct os_passphrase passphrase;

		if (setsid() < 0)
			_exit(1);
		_exit(os_terminal_passphrase("? ", &passphrase) == SOTTO_ERR_NOT_FOUND ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(os_terminal_columns() > 0);
}

#define FILE_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILE_TEST(test_directories),
		FILE_TEST(test_one_lock),
		FILE_TEST(test_replacing),
		FILE_TEST(test_names_and_links),
		FILE_TEST(test_a_full_disk_keeps_the_old_file),
		FILE_TEST(test_descriptors),
		FILE_TEST(test_passphrase_files),
		cmocka_unit_test(test_a_typed_passphrase),
		cmocka_unit_test(test_no_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
