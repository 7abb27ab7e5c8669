"""Word lists of the English rules: closed classes, and the open ones that decide between who, what, when and where."""

from __future__ import annotations

MONTHS = frozenset("January February March April May June July August September October November December".split())
WEEKDAYS = frozenset("Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split())
NUMBER_WORDS = frozenset(
    """zero two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion trillion
    dozen half""".split()
)
SCALES = frozenset("hundred thousand million billion trillion dozen".split())

PRONOUNS = frozenset("i he she it they we you him her them us me himself herself itself themselves this that these "
                     "those such one ones another others both neither either here there his its their our my your "
                     "former latter each some many most all none former's latter's same nothing something "
                     "anything everything nobody somebody anybody everybody someone anyone everyone".split())
"""A clause whose subject begins with one of these leans on the sentence before it."""
DANGLING = frozenset("he she it they we i you him her them us me this these those such here there former latter "
                     "himself herself themselves our your my".split())
"""Words that have no place in a question that stands on its own."""
POSSESSIVES = frozenset("his her its their".split())
CONNECTIVES = frozenset("however therefore thus hence moreover furthermore meanwhile also instead nevertheless "
                        "nonetheless consequently additionally finally similarly likewise besides otherwise then "
                        "indeed conversely accordingly still and but so or yet".split())

BE = frozenset("is are was were".split())
AUXILIARIES = BE | frozenset("has have had can could will would may might must should did does do shall".split())
MODALS = frozenset("can could will would may might must should shall".split())

SUBORDINATORS = frozenset("because while although though when where whereas unless until since if after before "
                          "which who whom whose that as whether once lest than so".split())

PERSON_NOUNS = frozenset(
    """man woman men women people person king queen president prime minister emperor empress prince princess duke
    captain commander general admiral pilot astronaut astronauts crew scientist scientists engineer engineers author
    writer poet composer architect artist painter sculptor actor actress singer musician director producer player
    players coach quarterback linebacker leader leaders founder founders member members student students teacher
    teachers professor physicist chemist mathematician biologist philosopher historian economist lawyer judge doctor
    physician bishop pope priest monk saint missionary explorer soldier soldiers officer officers governor mayor senator
    secretary chairman chief head editor journalist inventor designer developer developers programmer critic critics
    scholar scholars researcher researchers wife husband son daughter father mother brother sister friend wives sons
    daughters children child parents family families settlers colonists immigrants slaves workers citizens inhabitants
    residents peasants nobles merchants farmers viewers users voters cosmonaut cosmonauts maintainer maintainers
    contributors contributor owner owners host hosts winner victim victims athlete athletes ruler rulers heir
    pilots captains commanders directors producers actors presidents kings queens writers authors poets artists painters
    founders editors managers manager officials scholars historians teams architects lawyers judges bishops popes monks
    descendants ancestors tourists visitors pilgrims christians muslims jews protestants catholics baby girl boy""".split()
)
TITLES = frozenset("Mr. Mrs. Ms. Dr. Sir Lady Lord King Queen President Emperor Prince Princess Pope Saint St. Captain "
                   "General Colonel Major Admiral Professor Prof. Duke Count Senator Governor Bishop Sultan "
                   "Chancellor Mayor Astronaut Lieutenant Commander Capt. Gen. Brig. Maj. Lt. Col. Rev. Sen. Rep. Gov. Justice Judge".split())
FIRST_NAMES = frozenset(
    """Aaron Adam Adrian Alan Albert Alex Alexander Alfred Alice Allan Amy Andrew Andrei Andy Angela Anna Anne Anthony
    Antoine Arthur Barbara Benjamin Bernard Bill Bob Brian Bruce Carl Carlos Carol Caroline Catherine Charles
    Charlie Charlotte Chris Christian Christopher Claude Claire Clara Daniel David Dennis Diana Donald Dorothy Douglas
    Edgar Edward Edwin Elizabeth Ellen Emily Emma Emmanuel Eric Ernest Eugene Evelyn Ferdinand Fiona Florence Francis
    Frank Franklin Fred Frederick Friedrich Fritz Gary Gene Geoffrey George Gerald Gilbert Gordon Grace Graham Greg
    Gregory Gustav Guy Hans Harold Harry Heinrich Helen Henri Henry Herbert Herman Howard Hugh Ian Igor Isaac
    Ivan Jack Jacob Jacques James Jan Jane Janet Jason Jean Jennifer Jeremy Jerry Jesse Jessica Jim Jimmy Joan Joe
    Johann Johannes John Jonathan Jose Joseph Joshua Juan Judith Julia Julian Julius Karen Karl Kate Katherine Keith
    Kenneth Kevin Kurt Larry Laura Lawrence Lee Leo Leon Leonard Leonardo Leslie Lewis Linda Lisa Louis Louise Lucy
    Ludwig Luis Luke Marc Marcus Margaret Maria Marie Mark Martha Martin Mary Matthew Maurice Max Michael Michel
    Miguel Mike Nancy Nathan Neil Nicholas Nicolas Nikola Nikolai Norman Oliver Oscar Otto Pat Patricia
    Patrick Paul Pedro Peter Philip Philippe Phillip Pierre Rachel Ralph Raymond Rebecca Richard Rick Robert Roger Roland
    Ronald Rose Roy Rudolf Russell Ruth Sam Samuel Sarah Scott Sebastian Sergei Simon Sophie Stanley Stephen Steve
    Steven Stuart Susan Sylvia Ted Theodore Thomas Tim Timothy Tom Tony Valentina Victor Victoria Vincent Vladimir
    Walter Wayne Wilhelm William Wolfgang Yuri Buzz Deke Werner Wernher Kip Peyton Cam Von Jared Josh Genghis
    Kublai Ayn Nathaniel Aldous Carla Bryan Ryan Niko Carlo Enrico Giovanni Galileo Blaise Muhammad Mohammed
    Abraham Ali Ahmad Ahmed Mahmud Osama Saddam Barack Hillary Woodrow Dwight Lyndon Nikita""".split()
)
PLACES = frozenset(
    """Afghanistan Africa Alabama Alaska Albania Algeria America Amsterdam Angola Antarctica Arabia Argentina Arizona
    Arkansas Armenia Asia Athens Atlanta Australia Austria Azerbaijan Baghdad Baltimore Bangladesh Beijing Belgium
    Berlin Bolivia Boston Brazil Britain Brooklyn Brussels Budapest Bulgaria Burma Cairo California Cambodia Cambridge
    Canada Chicago Chile China Cleveland Colombia Colorado Connecticut Constantinople Copenhagen Croatia Cuba Cyprus
    Dallas Delaware Delhi Denmark Denver Detroit Dublin Edinburgh Egypt England Estonia Ethiopia Europe Finland
    Florence Florida France Geneva Georgia Germany Ghana Greece Greenland Hamburg Hawaii Hollywood Honolulu Houston
    Hungary Iceland Idaho Illinois India Indiana Indonesia Iowa Iran Iraq Ireland Israel Istanbul Italy Jamaica Japan
    Jerusalem Johannesburg Jordan Kansas Kazakhstan Kentucky Kenya Korea Kuwait Laos Latvia Lebanon Leipzig Libya
    Lisbon Lithuania London Louisiana Luxembourg Madrid Maine Malaysia Malta Manchester Manhattan Maryland Massachusetts
    Melbourne Memphis Mexico Miami Michigan Milan Minnesota Mississippi Missouri Mongolia Montana Montreal Morocco Moscow
    Mozambique Munich Namibia Naples Nebraska Nepal Netherlands Nevada Nigeria Normandy Norway Ohio Oklahoma Ontario
    Oregon Oxford Pakistan Palestine Paraguay Paris Pennsylvania Persia Peru Philadelphia Philippines Pittsburgh Poland
    Portugal Prague Princeton Prussia Quebec Romania Rome Russia Scandinavia Scotland Seattle Serbia Shanghai Siberia Sicily
    Singapore Slovakia Slovenia Somalia Spain Stockholm Sudan Sweden Switzerland Sydney Syria Taiwan Tennessee Texas
    Thailand Tibet Tokyo Toronto Tunisia Turkey Uganda Ukraine Utah Uruguay Venezuela Venice Vermont Vienna Vietnam
    Virginia Wales Warsaw Washington Wisconsin Wyoming Zimbabwe Zurich Fresno Jacksonville Lyon Nice Marseille""".split()
)
PLACE_HEADS = frozenset("City County River Island Islands Mountains Lake Ocean Sea Bay Valley Street Avenue Park Square "
                        "Province State States Kingdom Republic Peninsula Beach Center Centre Stadium Airport Port Hall "
                        "Coast Desert Hills Gulf Region District Territory Zealand Africa America Asia Europe".split())
THING_HEADS = frozenset(
    """University College School Institute Committee Commission Council Company Corporation Party Union League Act Bill
    War Wars Treaty Church Museum Library Theatre Theater Society Association Organization Agency Administration
    Department Ministry Court Parliament Congress Senate Government Army Navy Force Forces Empire Dynasty Revolution
    Program Programme Project Mission Prize Award Medal Bowl Cup Championship Games Olympics Festival Station Channel
    Network Magazine Times Journal Review Press Group Team Club Foundation Bank Law Theory Theorem Edict Constitution
    Convention Charter Declaration Protocol System Module Rocket Engine Bridge Tower Palace Castle Cathedral House Day
    Movement Battle Conference Inc. Corp. Ltd. Co. Telescope Observatory Laboratory Stand Ground Trophy Building Memorial Regiment Brigade Fort""".split()
) | PLACE_HEADS
PERSON_VERBS = frozenset(
    """said wrote born died married commanded invented discovered composed painted argued believed published studied
    taught proposed claimed noted stated suggested thought felt remarked recalled replied asked decided refused
    graduated coached designed told served appointed elected crowned preached spoke read sang played scored threw caught
    photographed explained knew wanted resigned retired reigned conquered emigrated settled converted
    married inherited murdered assassinated executed buried knighted""".split()
)

SPEECH_VERBS = frozenset("said told asked stated noted remarked replied explained claimed argued radioed says tells "
                         "states notes argues claims".split())

IRREGULAR = {
    past: lemma
    for entry in """
    become:became begin:began bear:bore bind:bound bite:bit blow:blew break:broke bring:brought build:built burn:burnt
    buy:bought catch:caught choose:chose come:came cut:cut deal:dealt dig:dug do:did draw:drew drink:drank drive:drove
    eat:ate fall:fell feed:fed feel:felt fight:fought find:found flee:fled fly:flew forget:forgot get:got give:gave
    go:went grow:grew hang:hung have:had hear:heard hide:hid hit:hit hold:held keep:kept know:knew lay:laid
    lead:led leave:left lend:lent let:let lose:lost make:made mean:meant meet:met pay:paid
    ride:rode ring:rang rise:rose run:ran say:said see:saw seek:sought sell:sold send:sent set:set shake:shook
    shoot:shot show:showed shut:shut sing:sang sink:sank sit:sat sleep:slept speak:spoke spend:spent split:split
    spread:spread spring:sprang stand:stood steal:stole strike:struck swear:swore sweep:swept swim:swam swing:swung
    take:took teach:taught tear:tore tell:told think:thought throw:threw undergo:underwent understand:understood
    wear:wore win:won withdraw:withdrew write:wrote overcome:overcame overthrow:overthrew arise:arose
    bid:bid cast:cast cost:cost hurt:hurt put:put quit:quit rebuild:rebuilt retake:retook oversee:oversaw
    undertake:undertook forbid:forbade forgive:forgave foresee:foresaw wake:woke weave:wove wind:wound""".split()
    for lemma, past in [entry.split(":")]
}
"""Past tense to lemma. The present's -s and the regular -ed are worked out and checked against the lexicon."""

UNIT_NOUNS = frozenset("percent per cent km miles mile kilometers kilometres metres meters m feet ft inches cm mm kg lb "
                       "pounds tons tonnes mph hours minutes seconds days weeks months years decades centuries acres "
                       "hectares degrees dollars euros yards gallons liters litres watts volts bytes".split())
STRANDS = frozenset("of to for with from on in at as about into by against through under over upon between".split())
"""Prepositions that may end a question whose object they have lost ("What does it consist of?")."""
