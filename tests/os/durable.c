/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What durable.py watches through strace: one SQLite commit, or one small file replaced and removed. A word on
 * standard output stands between the steps, so that the trace can be cut there.
 *
 *	test_os_durable commit DIR DELETE|WAL
 *	test_os_durable replace DIR
 */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/file.h"
#include "os/vfs.h"

static bool durable_say(const char *word)
{
	return write(STDOUT_FILENO, word, strlen(word)) == (ssize_t)strlen(word);
}

static int durable_commit(struct os_directory *directory, const char *mode)
{
	sqlite3 *database = NULL;
	char pragma[64];
	bool good;

	(void)snprintf(pragma, sizeof(pragma), "PRAGMA journal_mode=%s; PRAGMA synchronous=FULL",
		       mode);
	good = os_vfs_register(directory) == SOTTO_OK && durable_say("make") &&
	       sqlite3_open_v2("vault", &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
			       OS_VFS_NAME) == SQLITE_OK &&
	       sqlite3_exec(database, pragma, NULL, NULL, NULL) == SQLITE_OK &&
	       sqlite3_exec(database, "CREATE TABLE t(a)", NULL, NULL, NULL) == SQLITE_OK &&
	       durable_say("commit") &&
	       sqlite3_exec(database, "INSERT INTO t VALUES (1)", NULL, NULL, NULL) == SQLITE_OK &&
	       durable_say("end");
	sqlite3_close(database);
	os_vfs_unregister();
	return good ? 0 : 1;
}

static int durable_replace(struct os_directory *directory)
{
	bool good = durable_say("replace") &&
		    os_file_replace(directory, "keys", BYTES_TEXT("new")) == SOTTO_OK &&
		    durable_say("remove") && os_file_remove(directory, "keys") == SOTTO_OK &&
		    durable_say("end");

	return good ? 0 : 1;
}

int main(int count, char **arguments)
{
	struct os_directory *directory;
	int status = 2;

	if (count < 3 || os_directory_open(arguments[2], false, &directory) != SOTTO_OK)
		return 2;
	if (strcmp(arguments[1], "commit") == 0 && count > 3)
		status = durable_commit(directory, arguments[3]);
	else if (strcmp(arguments[1], "replace") == 0)
		status = durable_replace(directory);
	os_directory_close(directory);
	return status;
}
