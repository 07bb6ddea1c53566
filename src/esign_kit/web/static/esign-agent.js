/* Talks to the program that holds the key: NCALayer (Kazakhstan) or E-IMZO (Uzbekistan).
 *
 * The page gives the addresses; the portal gives what is to be signed and takes what was signed.
 * Nothing is kept, nothing is written to the console, and what an agent says is shown as text.
 */
(function () {
  "use strict";

  var AGENT_TIMEOUT = 180000;

  function Problem(message) {
    this.message = message;
  }

  /* One web socket, one request. `expectGreeting`: NCALayer says its version first. */
  function exchange(url, request, expectGreeting, name) {
    return new Promise(function (resolve, reject) {
      var socket, opened = false, done = false, timer;
      function end(action, value) {
        if (done) { return; }
        done = true;
        clearTimeout(timer);
        try { socket.close(); } catch (ignored) { /* it is closed */ }
        action(value);
      }
      try {
        socket = new WebSocket(url);
      } catch (ignored) {
        reject(new Problem(name + " cannot be reached from this page."));
        return;
      }
      timer = setTimeout(function () {
        end(reject, new Problem(name + " does not answer."));
      }, AGENT_TIMEOUT);
      socket.onopen = function () {
        opened = true;
        if (!expectGreeting) { socket.send(JSON.stringify(request)); }
      };
      socket.onmessage = function (event) {
        var answer;
        try {
          answer = JSON.parse(event.data);
        } catch (ignored) {
          end(reject, new Problem(name + " answered something that is no JSON."));
          return;
        }
        if (expectGreeting && answer && answer.result && answer.result.version) {
          expectGreeting = false;
          socket.send(JSON.stringify(request));
          return;
        }
        end(resolve, answer);
      };
      socket.onerror = socket.onclose = function () {
        end(reject, new Problem(opened
          ? name + " closed the connection."
          : name + " is not running. Start it and try again."));
      };
    });
  }

  /* The three shapes of NCALayer's answers: new, cancelled (no result), and of old modules. */
  function resultOfNcaLayer(answer) {
    if (!answer || typeof answer !== "object") { throw new Problem("NCALayer answered nothing."); }
    if (answer.status === true) {
      var result = answer.body && answer.body.result;
      if (Array.isArray(result)) { result = result[0]; }
      if (typeof result !== "string") { throw new Problem("You cancelled in NCALayer."); }
      return result;
    }
    if (answer.code === "200" && typeof answer.responseObject === "string") {
      return answer.responseObject;
    }
    if (answer.message === "action.canceled") { throw new Problem("You cancelled in NCALayer."); }
    throw new Problem("NCALayer: " + String(answer.message || answer.code || "error"));
  }

  /* The portal writes the request: which keys are offered is its word. */
  function signWithNcaLayer(agents, begun) {
    return exchange(agents.ncalayer, begun.ncalayer, true, "NCALayer").then(resultOfNcaLayer);
  }

  function callEimzo(agents, plugin, name, args) {
    var request = { name: name, arguments: args };
    if (plugin) { request.plugin = plugin; }
    return exchange(agents.eimzo, request, false, "E-IMZO").then(function (answer) {
      if (answer && answer.success === true) { return answer; }
      if (answer && (answer.status === -5000 || answer.status === -5001 || answer.status === -5002)) {
        throw new Problem("You cancelled in E-IMZO.");
      }
      throw new Problem("E-IMZO: " + String((answer && answer.reason) || "error"));
    });
  }

  /* The alias is a list of key=value; it is for show only and never says who somebody is. */
  function titleOf(certificate) {
    var match = /(?:^|,)cn=([^=]*?)(?=,[a-z0-9.]+=|$)/.exec(String(certificate.alias || ""));
    return match ? match[1] : String(certificate.name || "key");
  }

  function choose(certificates) {
    if (certificates.length === 1) { return Promise.resolve(certificates[0]); }
    return new Promise(function (resolve) {
      var list = document.getElementById("esign-key");
      list.textContent = "";
      list.add(new Option("choose a key", ""));
      certificates.forEach(function (certificate, index) {
        list.add(new Option(titleOf(certificate), String(index)));
      });
      list.hidden = false;
      list.onchange = function () {
        if (list.value !== "") {
          list.hidden = true;
          resolve(certificates[Number(list.value)]);
        }
      };
    });
  }

  function signWithEimzo(agents, begun) {
    var ready = agents.eimzoKeys.length
      ? callEimzo(agents, null, "apikey", agents.eimzoKeys) : Promise.resolve();
    return ready.then(function () {
      return callEimzo(agents, "pfx", "list_all_certificates", []);
    }).then(function (answer) {
      if (!answer.certificates || !answer.certificates.length) {
        throw new Problem("E-IMZO has found no key.");
      }
      return choose(answer.certificates);
    }).then(function (key) {
      return callEimzo(agents, "pfx", "load_key",
        [String(key.disk), String(key.path), String(key.name), String(key.alias)]);
    }).then(function (answer) {
      return callEimzo(agents, "pkcs7", "create_pkcs7", [begun.data, String(answer.keyId), "no"]);
    }).then(function (answer) {
      return String(answer.pkcs7_64);
    });
  }

  function post(url, token, body) {
    return fetch(url, {
      method: "POST",
      credentials: "same-origin",
      redirect: "error",
      headers: {
        "Content-Type": "application/json",
        "X-CSRF-Token": token,
        "X-CSRFToken": token
      },
      body: JSON.stringify(body)
    }).then(function (response) {
      return response.json().catch(function () { return {}; }).then(function (answer) {
        if (!response.ok) {
          throw new Problem(String(answer.hint || "That did not work. Please try again."));
        }
        return answer;
      });
    }, function () {
      throw new Problem("The portal does not answer.");
    });
  }

  function start(panel) {
    var agents = JSON.parse(panel.dataset.agents);
    var status = document.getElementById("esign-status");
    var buttons = panel.querySelectorAll("button[data-agent]");

    function tell(state, text) {
      status.dataset.state = state;
      status.textContent = text;
    }
    function busy(yes) {
      buttons.forEach(function (button) { button.disabled = yes; });
    }
    function run(agent) {
      var sign = agent === "eimzo" ? signWithEimzo : signWithNcaLayer;
      busy(true);
      tell("busy", "Look at the window of the program with your key.");
      post(panel.dataset.begin, panel.dataset.token, {}).then(function (begun) {
        return sign(agents, begun);
      }).then(function (answer) {
        return post(panel.dataset.finish, panel.dataset.token, { answer: answer });
      }).then(function (answer) {
        tell("done", String(answer.message || "Done."));
        if (panel.dataset.next) { location.assign(panel.dataset.next); }
      }).catch(function (problem) {
        tell("error", problem instanceof Problem ? problem.message : "That did not work.");
      }).then(function () { busy(false); });
    }
    buttons.forEach(function (button) {
      button.addEventListener("click", function () { run(button.dataset.agent); });
    });
  }

  document.querySelectorAll("[data-esign]").forEach(start);
}());
