// tfjs_binding.node as Node sees it. It opens the real binding (tfjs_binding_real.so beside it) with stderr set aside, then
// passes on what was written there, less the greeting that TensorFlow's libraries print from their static
// initialisers: at that moment no log level, environment variable or JavaScript can reach it yet.
#include <dlfcn.h>
#include <node_api.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>

namespace {

void* real_binding = nullptr;
std::string problem;

std::string beside_this_library(const char* name) {
  Dl_info here;
  char* path = dladdr(reinterpret_cast<void*>(&beside_this_library), &here) == 0 ? nullptr : realpath(here.dli_fname, nullptr);
  if (path == nullptr) return name;
  std::string full(path);
  free(path);
  return full.substr(0, full.find_last_of('/') + 1) + name;
}

bool is_greeting(const std::string& line) {
  return line.find("before absl::InitializeLog()") != std::string::npos ||
         (line.find("port.cc:") != std::string::npos && line.find("oneDNN") != std::string::npos);
}

void open_real_binding() {
  real_binding = dlopen(beside_this_library("tfjs_binding_real.so").c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (real_binding == nullptr) problem = dlerror();
}

__attribute__((constructor)) void open_quietly() {
  const int aside = memfd_create("tensorflow-start", MFD_CLOEXEC);
  const int original = aside < 0 ? -1 : dup(STDERR_FILENO);
  if (original < 0) {
    open_real_binding();
    return;
  }
  fflush(stderr);
  dup2(aside, STDERR_FILENO);
  open_real_binding();
  fflush(stderr);
  dup2(original, STDERR_FILENO);
  close(original);

  std::string text;
  char buffer[4096];
  lseek(aside, 0, SEEK_SET);
  for (ssize_t n = read(aside, buffer, sizeof buffer); n > 0; n = read(aside, buffer, sizeof buffer)) text.append(buffer, n);
  close(aside);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && !is_greeting(line)) fprintf(stderr, "%s\n", line.c_str());
  }
}

}  // namespace

extern "C" __attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  if (real_binding == nullptr) {
    napi_throw_error(env, nullptr, problem.c_str());
    return nullptr;
  }
  using Register = napi_value (*)(napi_env, napi_value);
  const auto real_register = reinterpret_cast<Register>(dlsym(real_binding, "napi_register_module_v1"));
  if (real_register == nullptr) {
    napi_throw_error(env, nullptr, "tfjs_binding_real.so is no Node-API module");
    return nullptr;
  }
  const napi_value made = real_register(env, exports);
  // functions.cc, linked into the same library: what the package's binding lacks.
  using Extend = void (*)(napi_env, napi_value);
  const auto extend = reinterpret_cast<Extend>(dlsym(real_binding, "blockforge_register"));
  if (extend != nullptr && made != nullptr) extend(env, made);
  return made;
}
