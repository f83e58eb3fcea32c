/*
 * Asks the installed libwrap what it decides, and tells everything it did on the way.
 *
 * Answers cases from standard input until it ends. A case is a number of rows, one a line, words separated by
 * tabs; the row "ask" ends it. Rows:
 *
 *   daemon|allow|deny|pid|user|address|name|port|server_address|server_name|server_port   VALUE
 *   lazy                             names, the user and addresses are found out when a rule asks for them
 *   ptr ADDRESS NAME                 what DNS answers: no row, no name
 *   fwd NAME CANONICAL ADDRESS...    an empty CANONICAL: the answer has none
 *   ident USER                       what the client's ident server answers
 *   group NAME HOST...               a netgroup; the host "-" stands for every host
 *
 * The answer is one line for each thing libwrap did, and then "end VERDICT". In both directions, bytes that
 * are no printable ASCII, and "%", are written as % and two hexadecimal digits.
 *
 * Every case runs in a process of its own, so that nothing one case does reaches the next. What libwrap
 * calls for its effects is defined here once more, and the dynamic linker prefers a definition in the
 * program: log lines, option effects and spawn are reported and not done; look-ups are answered from the
 * rows; commands of aclexec are reported and run, because their status decides.
 *
 * Build: cc -O2 -rdynamic -o libwrap_oracle libwrap_oracle.c -lwrap     (Debian: libwrap0-dev)
 */
#define _GNU_SOURCE
#define INET6
#include <arpa/inet.h>
#include <ctype.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tcpd.h>

#define ROWS 512            /* rows of a case */
#define WORDS 64            /* words of a row */
#define REPORT 65536        /* bytes of one line of an answer: a 20 kB log line, every byte escaped */
#define SECONDS 20          /* after which a case counts as hung */

struct row { int words; char *word[WORDS]; };
static struct row rows[ROWS];
static int row_count;

static int answer = -1;     /* where answers go; -1 outside of a case */
static int connection = -1; /* the client's connection, which banners are written to */
static pid_t decider;       /* the process that asks libwrap */

/* ---- rows and answers ---- */

static void unescape(char *text)
{
    char *to = text, digits[3] = "";
    for (; *text; text++) {
        if (*text == '%' && isxdigit((unsigned char)text[1]) && isxdigit((unsigned char)text[2])) {
            digits[0] = text[1], digits[1] = text[2];
            *to++ = (char)strtol(digits, NULL, 16);
            text += 2;
        } else {
            *to++ = *text;
        }
    }
    *to = 0;
}

static int read_rows(void)
{
    static char *lines[ROWS];
    static size_t sizes[ROWS];

    for (row_count = 0; row_count < ROWS; row_count++) {
        struct row *row = &rows[row_count];
        char *rest;
        if (getline(&lines[row_count], &sizes[row_count], stdin) < 0)
            return 0;
        rest = lines[row_count];
        rest[strcspn(rest, "\n")] = 0;
        for (row->words = 0; rest != NULL && row->words < WORDS; row->words++)
            unescape(row->word[row->words] = strsep(&rest, "\t"));
        if (strcmp(row->word[0], "ask") == 0)
            return 1;
    }
    return 0;
}

/* The next row of this kind from a place on, whose first value is the key, whatever its case (NULL: any). */
static struct row *find(int *from, const char *kind, const char *key)
{
    while (*from < row_count) {
        struct row *row = &rows[(*from)++];
        if (strcmp(row->word[0], kind) == 0 && (key == NULL || (row->words > 1 && strcasecmp(row->word[1], key) == 0)))
            return row;
    }
    return NULL;
}

static char *value(const char *kind)
{
    int from = 0;
    struct row *row = find(&from, kind, NULL);
    return row != NULL && row->words > 1 ? row->word[1] : NULL;
}

/* Write one line: the words up to NULL. One write(2), so that a child's lines can stand between ours. */
static void report(const char *word, ...)
{
    static char line[REPORT];
    size_t length = 0;
    va_list more;

    if (answer < 0)
        return;
    va_start(more, word);
    for (; word != NULL; word = va_arg(more, const char *)) {
        if (length)
            line[length++] = '\t';
        for (; *word && length < sizeof line - 8; word++) {
            unsigned char byte = (unsigned char)*word;
            if (byte > 31 && byte < 127 && byte != '%')
                line[length++] = *word;
            else
                length += (size_t)sprintf(line + length, "%%%02x", byte);
        }
    }
    va_end(more);
    line[length++] = '\n';
    if (syscall(SYS_write, answer, line, length) < 0)
        _exit(3);
}

static const char *decimal(long number)
{
    static char texts[4][24];
    static int next;
    next = (next + 1) % 4;
    snprintf(texts[next], sizeof texts[next], "%ld", number);
    return texts[next];
}

static void finish(const char *verdict)
{
    report("severity", decimal(allow_severity), decimal(deny_severity), NULL);
    report("timeout", decimal(rfc931_timeout), NULL);
    report("end", verdict, NULL);
    _exit(0);
}

/* ---- what libwrap calls: log, commands, options ---- */

/* The C library's own definition. */
#define REAL(name) (__extension__({                     \
    static __typeof__(&name) real;                      \
    real ? real : (real = dlsym(RTLD_NEXT, #name)); }))

void __vsyslog_chk(int priority, int flag, const char *format, va_list values)
{
    char text[20000];
    (void)flag;
    vsnprintf(text, sizeof text, format, values);
    report("log", decimal(priority), text, NULL);
}

void __syslog_chk(int priority, int flag, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    __vsyslog_chk(priority, flag, format, values);
    va_end(values);
}

void shell_cmd(char *command) { report("spawn", command, NULL); }

/* twist in the process that decides; in a child of it, aclexec. */
int execl(const char *path, const char *name, ...)
{
    char *command;
    va_list words;

    va_start(words, name);
    (void)va_arg(words, char *); /* "-c" */
    command = va_arg(words, char *);
    va_end(words);
    if (getpid() == decider) {
        report("twist", command, NULL);
        finish("delegated");
    }
    report("aclexec", command, NULL);
    return execv(path, (char *[]){(char *)name, "-c", command, NULL});
}

int setenv(const char *name, const char *text, int overwrite)
{
    int result = REAL(setenv)(name, text, overwrite);
    if (result == 0)
        report("setenv", name, text, NULL);
    return result;
}

mode_t umask(mode_t mask)
{
    char text[16];
    snprintf(text, sizeof text, "%o", (unsigned)mask);
    report("umask", text, NULL);
    return 022;
}

int nice(int step) { report("nice", decimal(step), NULL); return step; }
int setuid(uid_t uid) { report("setuid", decimal(uid), NULL); return 0; }
int setgid(gid_t gid) { report("setgid", decimal(gid), NULL); return 0; }
int setgroups(size_t count, const gid_t *groups) { (void)groups; report("setgroups", decimal((long)count), NULL); return 0; }
int initgroups(const char *user, gid_t gid) { report("initgroups", user, decimal(gid), NULL); return 0; }

int setsockopt(int fd, int level, int option, const void *data, socklen_t size)
{
    const struct linger *linger = data;
    if (answer < 0)
        return REAL(setsockopt)(fd, level, option, data, size);
    if (option == SO_KEEPALIVE)
        report("keepalive", decimal(*(const int *)data), NULL);
    else if (option == SO_LINGER)
        report("linger", decimal(linger->l_onoff), decimal(linger->l_linger), NULL);
    return 0;
}

ssize_t write(int fd, const void *data, size_t size)
{
    char text[20000];
    if (answer < 0 || fd != connection)
        return syscall(SYS_write, fd, data, size);
    snprintf(text, sizeof text, "%.*s", (int)size, (const char *)data);
    report(size == 1 && !*text ? "nul" : "banner", text, NULL);
    return (ssize_t)size;
}

unsigned sleep(unsigned seconds) { report("sleep", decimal(seconds), NULL); return 0; }

void exit(int status)
{
    report("exit", decimal(status), NULL);
    finish("exit");
    abort();
}

/* ---- what libwrap asks others ---- */

void rfc931(struct sockaddr *client, struct sockaddr *server, char *user)
{
    char *known = value("ident");
    (void)client, (void)server;
    report("lookup", "ident", decimal(rfc931_timeout), NULL);
    snprintf(user, STRING_LENGTH, "%s", known ? known : STRING_UNKNOWN);
}

int innetgr(const char *group, const char *host, const char *user, const char *domain)
{
    int from = 0, found = 0;
    struct row *row;
    (void)user, (void)domain;
    while ((row = find(&from, "group", NULL)) != NULL)
        for (int member = 2; member < row->words && strcmp(row->word[1], group) == 0; member++)
            found |= strcmp(row->word[member], "-") == 0 || strcasecmp(row->word[member], host) == 0;
    report("lookup", "netgroup", group, host, found ? "yes" : "no", NULL);
    return found;
}

int yp_get_default_domain(char **domain) { *domain = "domain"; return 0; }

int getnameinfo(const struct sockaddr *address, socklen_t size, char *host, socklen_t host_size,
                char *service, socklen_t service_size, int flags)
{
    char text[INET6_ADDRSTRLEN + 20];
    struct row *row;
    int from = 0;

    if (answer < 0 || !(flags & NI_NAMEREQD))
        return REAL(getnameinfo)(address, size, host, host_size, service, service_size, flags);
    REAL(getnameinfo)(address, size, text, sizeof text, NULL, 0, NI_NUMERICHOST);
    report("lookup", "ptr", text, NULL);
    row = find(&from, "ptr", text);
    if (row == NULL || row->words < 3)
        return EAI_NONAME;
    snprintf(host, host_size, "%s", row->word[2]);
    return 0;
}

static int numeric(const char *text, struct addrinfo **result)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    return REAL(getaddrinfo)(text, NULL, &hints, result);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    struct addrinfo **tail = result;
    struct row *row;
    int from = 0;

    if (answer < 0 || hints == NULL || hints->ai_flags & AI_NUMERICHOST)
        return REAL(getaddrinfo)(node, service, hints, result);
    report("lookup", "fwd", node, hints->ai_family == AF_INET ? "inet" : "inet6", NULL);
    *result = NULL;
    row = find(&from, "fwd", node);
    for (int word = 3; row != NULL && word < row->words; word++)
        if (numeric(row->word[word], tail) == 0 && (*tail)->ai_family == hints->ai_family)
            tail = &(*tail)->ai_next;
    *tail = NULL;
    if (*result == NULL)
        return EAI_NONAME;
    (*result)->ai_canonname = *row->word[2] ? row->word[2] : NULL;
    return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    if (answer < 0) /* a case is over before its few lists matter, and they may end in our rows */
        REAL(freeaddrinfo)(list);
}

/* ---- asking ---- */

static struct sockaddr *endpoint(struct sockaddr_storage *place, const char *address, const char *port)
{
    struct addrinfo *found;
    if (address == NULL && port == NULL)
        return NULL;
    place->ss_family = AF_INET;
    if (address != NULL && numeric(address, &found) == 0)
        memcpy(place, found->ai_addr, found->ai_addrlen);
    ((struct sockaddr_in *)place)->sin_port = htons((uint16_t)(port ? atoi(port) : 0));
    return (struct sockaddr *)place;
}

static char *known(const char *kind)
{
    char *text = value(kind);
    return text ? text : STRING_UNKNOWN;
}

static void decide(int to)
{
    static struct sockaddr_storage client, server;
    struct request_info request;
    int from = 0, lazy = find(&from, "lazy", NULL) != NULL, pair[2], granted;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        _exit(3);
    connection = pair[0];
    decider = getpid();
    hosts_allow_table = value("allow");
    hosts_deny_table = value("deny");
    hosts_access_verbose = 2;
    request_init(&request, RQ_FILE, connection, RQ_DAEMON, known("daemon"), 0);
    snprintf(request.pid, sizeof request.pid, "%s", known("pid"));
    if (lazy) {
        sock_methods(&request);
        request.client->sin = value("address") ? endpoint(&client, value("address"), value("port")) : NULL;
        request.server->sin = endpoint(&server, value("server_address"), value("server_port"));
    } else {
        request_set(&request, RQ_CLIENT_ADDR, known("address"), RQ_CLIENT_NAME, known("name"),
                    RQ_USER, known("user"), RQ_SERVER_ADDR, known("server_address"),
                    RQ_SERVER_NAME, known("server_name"), 0);
        request.client->sin = value("port") ? endpoint(&client, value("address"), value("port")) : NULL;
        request.server->sin = value("server_port") ? endpoint(&server, value("server_address"), value("server_port")) : NULL;
    }
    alarm(SECONDS);
    answer = to;
    granted = hosts_access(&request);
    report("client", eval_client(&request), NULL);
    finish(granted ? "granted" : "denied");
}

int main(void)
{
    int to = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 100);

    if (to < 0 || freopen("/dev/null", "w", stdout) == NULL) /* commands inherit it */
        return 1;
    while (read_rows()) {
        int status;
        pid_t child = fork();
        if (child == 0)
            decide(to);
        if (child < 0 || waitpid(child, &status, 0) < 0)
            return 1;
        if (WIFSIGNALED(status) || WEXITSTATUS(status)) {
            answer = to;
            report("end", "crash", NULL);
            answer = -1;
        }
    }
    return 0;
}
