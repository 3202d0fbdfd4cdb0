//! Texts of the kinds that models answer with, written for these tests. Two of each kind: the ratios were chosen
//! on the first ones, the second ones say how they do on text they were not chosen on.

/// Kind, first text, second text.
pub(super) const SAMPLES: &[(&str, &str, &str)] = &[
    (
        "english",
        "The harbour was quiet when the ferry came in. Two men stood at the end of the pier and watched it turn, \
         slowly, against the wind, until its stern pointed at the old customs house. Nobody had bought a ticket for \
         the morning crossing in weeks, and still the captain kept to the timetable as if the whole island depended \
         on it. In a way it did: the mail, the bread and most of the gossip travelled in the same small cabin behind \
         the wheelhouse.\n\nWhat they were waiting for this time was none of those things. A surveyor from the \
         mainland had promised to bring the new maps, and with them an answer to the question that had divided the \
         council since spring.",
        "To make the dough, warm the milk until it feels neither hot nor cold to your finger, then stir in the yeast \
         and a spoonful of sugar. Leave it alone for ten minutes. If nothing foams, the yeast is dead and you should \
         start again; no amount of patience will bring it back. Once it is lively, add the flour in three parts, \
         kneading between each, and stop as soon as the dough no longer sticks to the bowl. It should be soft, \
         slightly shiny, and spring back when you press it. Cover it with a damp cloth and let it rise somewhere \
         warm until it has doubled, which takes about an hour in summer and nearly two in winter.",
    ),
    (
        "rust",
        "impl Queue {\n    /// Puts an item in, or gives it back when the queue is full.\n    pub fn push(&mut self, \
         item: Item) -> Result<(), Item> {\n        if self.len == self.slots.len() {\n            return \
         Err(item);\n        }\n        let at = (self.head + self.len) % self.slots.len();\n        self.slots[at] = \
         Some(item);\n        self.len += 1;\n        Ok(())\n    }\n\n    pub fn pop(&mut self) -> Option<Item> \
         {\n        let item = self.slots.get_mut(self.head)?.take()?;\n        self.head = (self.head + 1) % \
         self.slots.len();\n        self.len -= 1;\n        Some(item)\n    }\n}\n",
        "fn read_frame(input: &mut &[u8]) -> io::Result<Option<Frame>> {\n    let Some((&kind, rest)) = \
         input.split_first() else {\n        return Ok(None);\n    };\n    let (length, rest) = match \
         rest.split_at_checked(4) {\n        Some((bytes, rest)) => \
         (u32::from_be_bytes(bytes.try_into().unwrap()) as usize, rest),\n        None => return \
         Err(io::ErrorKind::UnexpectedEof.into()),\n    };\n    if length > MAX_FRAME {\n        return \
         Err(io::Error::other(format!(\"frame of {length} bytes\")));\n    }\n    let (body, rest) = \
         rest.split_at(length);\n    *input = rest;\n    Ok(Some(Frame { kind, body: body.to_vec() }))\n}\n",
    ),
    (
        "python",
        "def moving_average(values, window=5):\n    \"\"\"Yield the mean of each run of `window` values.\"\"\"\n    if \
         window < 1:\n        raise ValueError(f\"window must be positive, got {window}\")\n    recent = \
         collections.deque(maxlen=window)\n    total = 0.0\n    for value in values:\n        if len(recent) == \
         window:\n            total -= recent[0]\n        recent.append(value)\n        total += value\n        if \
         len(recent) == window:\n            yield total / window\n",
        "class Inventory:\n    def __init__(self, path):\n        self.path = pathlib.Path(path)\n        self.items \
         = json.loads(self.path.read_text()) if self.path.exists() else {}\n\n    def add(self, name, count=1, *, \
         price=None):\n        entry = self.items.setdefault(name, {\"count\": 0, \"price\": price})\n        \
         entry[\"count\"] += count\n        return entry\n\n    def total(self):\n        return sum(e[\"count\"] * \
         (e[\"price\"] or 0) for e in self.items.values())\n",
    ),
    (
        "json",
        "{\"city\":\"Lisbon\",\"country\":\"PT\",\"population\":545923,\"location\":{\"lat\":38.7223,\"lon\":-9.1393},\
         \"districts\":[\"Alfama\",\"Baixa\",\"Belém\"],\"forecast\":[{\"date\":\"2026-03-01\",\"high\":17.4,\"low\":\
         9.8,\"rain\":false},{\"date\":\"2026-03-02\",\"high\":15.1,\"low\":10.2,\"rain\":true}],\"updated_at\":null}",
        "{\n  \"name\": \"create_invoice\",\n  \"arguments\": {\n    \"customer_id\": \"cus_9f31c7\",\n    \"currency\": \
         \"eur\",\n    \"due_in_days\": 14,\n    \"lines\": [\n      {\"description\": \"Consulting, May\", \"quantity\": \
         12, \"unit_price\": 95.5},\n      {\"description\": \"Travel\", \"quantity\": 1, \"unit_price\": 240}\n    ],\n    \
         \"notes\": \"Thank you for your business!\"\n  }\n}",
    ),
    (
        "markdown",
        "## Choosing a database\n\nThere are three things to look at:\n\n1. **Size.** Below ten gigabytes almost \
         anything works.\n2. **Writes.** If many clients write at once, prefer a server over a file.\n3. \
         **Operations.** Who will restore the backup at 3 a.m.?\n\n| Option | Good for | Watch out |\n|---|---|---|\n| \
         SQLite | one machine | concurrent writers |\n| PostgreSQL | nearly everything | upgrades |\n\n> Start small; \
         moving later is less work than it looks.\n",
        "### Steps\n\n- Run `make build` and check that it prints **no warnings**.\n- Open `config.yaml` and set:\n  - \
         `listen`: the address, e.g. `127.0.0.1:8080`\n  - `timeout`: in seconds (default: 30)\n- Restart the service \
         with `systemctl restart relay`.\n\nIf the log says *permission denied*, the socket belongs to another user. \
         See [Troubleshooting](#troubleshooting) below.\n",
    ),
    (
        "chinese",
        "清晨的市场里已经挤满了人。卖鱼的老陈把刚从码头运来的虾倒进水盆，水花溅到了旁边的青菜上。他笑着道歉，又多送了邻\
         居一把葱。天气预报说下午有雨，所以大家都想早点收摊。我买了两斤排骨和一块豆腐，打算晚上炖汤。回家的路上，\
         我看见学校门口的桂花开了，整条街都是香的。",
        "要提高程序的性能，首先应该测量，而不是猜测。用分析工具找出最慢的函数，然后考虑能不能减少内存分配，或者把重复的\
         计算结果缓存起来。如果数据量很大，可以把任务分成几个部分并行处理。但是要注意，多线程会带来同步的问题，有时候简单\
         的算法反而更快，也更容易维护。",
    ),
    (
        "japanese",
        "駅前の喫茶店は、雨の日になるといつも混んでいる。窓際の席に座って、濡れた傘の行列を眺めながらコーヒーを飲むのが\
         好きだ。店主は無口な人だが、常連の好みはすべて覚えている。今日は珍しく、新しいケーキを勧めてくれた。栗の味がし\
         て、とても甘かった。",
        "このエラーは、設定ファイルが見つからないときに表示されます。まず、ファイルの場所と名前を確認してください。次に、\
         読み取りの権限があるかどうかを調べます。それでも解決しない場合は、ログを添付してサポートまでお問い合わせください。",
    ),
    (
        "korean",
        "오늘 아침에는 버스가 늦게 와서 회사까지 걸어갔다. 공원을 지나는 길에 단풍이 곱게 물들어 있었고, 할머니 한 분이 \
         벤치에 앉아 새들에게 빵을 나누어 주고 계셨다. 덕분에 회의에는 조금 늦었지만 기분은 좋았다.",
        "프로그램을 설치하려면 먼저 최신 버전을 내려받아 압축을 풀어 주세요. 그다음 설정 화면에서 언어와 저장 위치를 \
         선택하고 확인 버튼을 누르면 됩니다. 설치가 끝나면 컴퓨터를 다시 시작해야 할 수도 있습니다.",
    ),
    (
        "russian",
        "Поезд остановился на маленькой станции, где никто не выходил и никто не садился. За окном стояла старая \
         липа, под ней лежала рыжая собака и смотрела на вагоны так, будто ждала кого-то уже много лет. Проводница \
         принесла чай и сказала, что стоять будем долго.",
        "Чтобы проверить соединение, откройте терминал и выполните команду. Если сервер отвечает, вы увидите время \
         задержки в миллисекундах. Если ответа нет, проверьте настройки сети, перезапустите маршрутизатор и \
         повторите попытку через несколько минут.",
    ),
    (
        "french and german",
        "Après le déjeuner, la grand-mère s'installait près de la fenêtre et reprenait son tricot. Elle n'écoutait \
         jamais la radio : elle préférait les bruits de la rue, les vélos, les écoliers, le marchand de journaux qui \
         criait toujours la même chose. Parfois elle s'endormait, et personne n'osait la réveiller avant l'heure du thé.",
        "Für die Reparatur benötigen Sie einen kleinen Schraubendreher, etwas Öl und ein sauberes Tuch. Lösen Sie \
         zuerst die vier Schrauben an der Unterseite und heben Sie das Gehäuse vorsichtig ab. Prüfen Sie anschließend, \
         ob die Feder noch gespannt ist; andernfalls müssen Sie sie austauschen.",
    ),
];
