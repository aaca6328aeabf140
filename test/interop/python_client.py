"""A Client of its own kind for the interop tests: paho-mqtt, told what to do by its arguments.

    python_client.py PORT VERSION SCENARIO [TRANSPORT]      prints one line for each thing that came, and exits with 0
"""

import sys
import threading

try:
    import paho.mqtt.client as mqtt
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties
    from paho.mqtt.subscribeoptions import SubscribeOptions
except ImportError:
    sys.exit("paho-mqtt is missing: install Debian's python3-paho-mqtt (.ci/run does)")

PORT = int(sys.argv[1])
VERSION = {"3.1": mqtt.MQTTv31, "3.1.1": mqtt.MQTTv311, "5": mqtt.MQTTv5}[sys.argv[2]]
IS_5 = VERSION == mqtt.MQTTv5
TRANSPORT = sys.argv[4] if len(sys.argv) > 4 else "tcp"
PATIENCE = 15


def properties(packet_type, **values):
    result = Properties(packet_type)
    for name, value in values.items():
        setattr(result, name, value)
    return result


class Client:
    def __init__(self, client_id, keep=False, will=None, **connect_properties):
        arguments = {"client_id": client_id, "protocol": VERSION, "transport": TRANSPORT}
        if hasattr(mqtt, "CallbackAPIVersion"):
            arguments["callback_api_version"] = mqtt.CallbackAPIVersion.VERSION1
        if not IS_5:
            arguments["clean_session"] = not keep
        self.client = mqtt.Client(**arguments)
        self.messages = []
        self.changed = threading.Condition()
        self.connected = self.granted = None
        self.client.on_connect = self.on_connect
        self.client.on_subscribe = self.on_subscribe
        self.client.on_message = self.on_message
        if will:
            self.client.will_set("will", will, qos=1, retain=True)
        more = {}
        if IS_5:
            expiry = {"SessionExpiryInterval": 100} if keep else {}
            more = {
                "clean_start": not keep,
                "properties": properties(PacketTypes.CONNECT, **expiry, **connect_properties),
            }
        self.client.connect("127.0.0.1", PORT, **more)
        self.client.loop_start()
        self.wait(lambda: self.connected is not None)

    def on_connect(self, _client, _userdata, flags, code, *_properties):
        self.tell("connected", (flags.get("session present", 0), str(code)))

    def on_subscribe(self, _client, _userdata, _mid, granted, *_properties):
        self.tell("granted", [getattr(one, "value", one) for one in granted])

    def on_message(self, _client, _userdata, message):
        with self.changed:
            self.messages.append(message)
            self.changed.notify_all()

    def tell(self, name, value):
        with self.changed:
            setattr(self, name, value)
            self.changed.notify_all()

    def wait(self, condition):
        with self.changed:
            if not self.changed.wait_for(condition, PATIENCE):
                sys.exit(f"it did not come: {len(self.messages)} messages, granted {self.granted}")

    def subscribe(self, topics, qos):
        self.granted = None
        if IS_5:
            options = SubscribeOptions(qos=qos)
            self.client.subscribe([(topic, options) for topic in topics])
        else:
            self.client.subscribe([(topic, qos) for topic in topics])
        self.wait(lambda: self.granted is not None)
        return self.granted

    def publish(self, topic, payload, qos=0, retain=False, **publish_properties):
        more = {}
        if IS_5 and publish_properties:
            more["properties"] = properties(PacketTypes.PUBLISH, **publish_properties)
        self.client.publish(topic, payload, qos, retain, **more).wait_for_publish()

    def expect(self, count):
        self.wait(lambda: len(self.messages) >= count)
        return self.messages

    def cut(self):
        """The network is lost."""
        self.client.loop_stop()
        self.client._sock_close()

    def leave(self):
        self.client.disconnect()
        self.client.loop_stop()


def show(messages):
    for one in messages:
        print(one.topic, one.qos, int(one.retain), one.payload.decode())


def exchange():
    receiver = Client("receiver")
    receiver.subscribe(["a/+"], 2)
    sender = Client("sender")
    for qos in (0, 1, 2):
        sender.publish("a/b", f"qos {qos}", qos)
    show(receiver.expect(3))


def retained_and_will():
    mortal = Client("mortal", will="gone")
    mortal.publish("kept", "value", 1, True)
    mortal.cut()
    late = Client("late")
    late.subscribe(["kept"], 1)
    late.subscribe(["will"], 1)
    show(sorted(late.expect(2), key=lambda one: one.topic))


def session():
    sleeper = Client("sleeper", keep=True)
    sleeper.subscribe(["a"], 2)
    sleeper.cut()
    sender = Client("sender")
    for qos in (1, 2):
        sender.publish("a", f"qos {qos}", qos)
    again = Client("sleeper", keep=True)
    show(again.expect(2))
    print("session present", again.connected[0])


def many_topics():
    client = Client("many")
    granted = client.subscribe([f"t/{at}" for at in range(1000)], 1)
    print(len(granted), set(granted))
    client.publish("t/0", "first", 1)
    client.publish("t/999", "last", 1)
    show(client.expect(2))


def large():
    receiver = Client("receiver")
    receiver.subscribe(["large"], 2)
    payload = bytes(at % 251 for at in range(1_000_000)) * 10
    sender = Client("sender")
    for qos in (0, 1, 2):
        sender.publish("large", payload, qos)
    print([one.payload == payload for one in receiver.expect(3)])


def shared():
    workers = [Client(f"worker{at}") for at in range(2)]
    for worker in workers:
        worker.subscribe(["$share/group/job/+"], 1)
    sender = Client("sender")
    for at in range(10):
        sender.publish(f"job/{at}", "x", 1)
    print([len(worker.expect(5)) for worker in workers])


def aliases():
    receiver = Client("receiver", TopicAliasMaximum=5)
    receiver.subscribe(["long/topic"], 1)
    sender = Client("sender")
    sender.publish("long/topic", "one", 1, TopicAlias=3)
    sender.publish("", "two", 1, TopicAlias=3)
    for one in receiver.expect(2):
        print(one.topic or "-", getattr(one.properties, "TopicAlias", "none"), one.payload.decode())


def request_and_response():
    server = Client("server")
    server.subscribe(["ask"], 1)
    client = Client("client")
    client.subscribe(["answer"], 1)
    client.publish("ask", "question", 1, ResponseTopic="answer", CorrelationData=b"42", UserProperty=[("k", "1"), ("k", "2")])
    asked = server.expect(1)[0].properties
    print(asked.UserProperty)
    server.publish(asked.ResponseTopic, "reply", 1, CorrelationData=asked.CorrelationData)
    show(client.expect(1))
    print(client.messages[0].properties.CorrelationData)


globals()[sys.argv[3]]()
